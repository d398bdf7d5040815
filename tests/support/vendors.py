"""Vendors that answer here: at the transport of the libraries that ask them, with what the real ones would send."""

import datetime as dt
import io
import json
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import requests


def answered(url, body, status=200, headers=None):
    """Return what ``requests`` gives for an answer."""
    response = requests.Response()
    response.status_code, response.url, response.reason = status, url, HTTPStatus(status).phrase
    response.raw = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    response.headers.update({"Content-Type": "application/json", **(headers or {})})
    return response


def on_the_line(monkeypatch, vendor):
    """Have all that ``requests`` sends answered by ``vendor(method, path, fields)``: a body, or status and body."""

    def send(self, request, **_):
        parts = urlsplit(request.url)
        text = parts.query or (request.body or b"" if isinstance(request.body, bytes) else request.body or "")
        fields = {name: values[0] for name, values in parse_qs(text).items()}
        body = vendor(request.method, f"{parts.netloc}{parts.path}", fields)
        status, body, headers = body if isinstance(body, tuple) else (200, body, None)
        response = answered(request.url, body, status, headers)
        response.request = request
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


class Yahoo:
    """Yahoo Finance: what was traded, given in shares of today, as its chart service does.

    ``listed[symbol]`` is a frame of raw bars, called by their opens with their zone; `splits` and `dividends` are of
    dates. What `forgotten` names, prices do not know of.
    """

    def __init__(self, monkeypatch, folder):
        import curl_cffi.requests.session as transport
        import yfinance
        from yfinance.data import YfData

        self.listed, self.splits, self.dividends, self.forgotten = {}, {}, {}, set()
        self.asked, self.failing = [], []
        yfinance.set_tz_cache_location(str(folder))
        YfData.cache_get.cache_clear()
        monkeypatch.setattr(transport.Session, "request", lambda _, method, url, **kw: self.answer(url, **kw))

    def answer(self, url, params=None, **_):
        if "/v8/finance/chart/" not in url:
            return self.sent(url, b"no such page", 404) if "quoteSummary" in url else self.sent(url, b"crumb")
        symbol = url.rpartition("/")[2]
        self.asked.append((symbol, params))
        if self.failing:
            return self.sent(url, *self.failing.pop(0))
        if symbol not in self.listed:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return self.sent(url, {"chart": {"result": None, "error": error}}, 404)
        return self.sent(url, {"chart": {"error": None, "result": [self.chart(symbol, params)]}})

    def sent(self, url, body, status=200):
        from curl_cffi.requests import Response

        response = Response()
        response.url, response.status_code = url, status
        response.content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return response

    def later(self, symbol, date):
        return np.prod([ratio for day, ratio in self.splits.get(symbol, {}).items() if day > date])

    def chart(self, symbol, params):
        whole = self.listed[symbol]
        seconds = whole.index.as_unit("s").asi8
        first, stop = int(params.get("period1", 0)), int(params.get("period2", 2**40))
        part = whole[(seconds >= first) & (seconds < stop)]
        if params["interval"] != "1d":
            part = part if len(set(whole.index.date)) < len(whole) else part.iloc[:0]
        elif len(set(whole.index.date)) < len(whole):
            part = part[~pd.Index(part.index.date).duplicated()]
        zone = str(whole.index.tz)
        meta = {
            "currency": "USD",
            "symbol": symbol,
            "exchangeTimezoneName": zone,
            "instrumentType": "EQUITY",
            "validRanges": ["1d", "max"],
            "priceHint": 2,
            "tradingPeriods": self.periods(part),
        }
        known = [day for day in self.splits.get(symbol, {}) if day not in self.forgotten]
        shares = np.array([
            np.prod([self.splits[symbol][day] for day in known if day > stamp.date()]) for stamp in part.index
        ])  # fmt: skip
        paid = np.array([
            np.prod([1 - cash / 100 for day, cash in self.dividends.get(symbol, {}).items() if day > stamp.date()])
            for stamp in part.index
        ])  # fmt: skip
        # It gives numbers of single precision.
        quote = {name: (part[name] / shares).astype(np.float32).tolist() for name in ("open", "high", "low", "close")}
        adjusted = (part["close"] / shares * paid).astype(np.float32).tolist()
        quote["volume"] = (part["volume"] * shares).astype(int).tolist()

        def stamp(day):
            return int(pd.Timestamp(f"{day} 09:30", tz=zone).timestamp())

        inside = list(part.index.date)
        events = {
            "splits": {
                str(stamp(day)): {"date": stamp(day), "numerator": ratio, "denominator": 1}
                for day, ratio in self.splits.get(symbol, {}).items()
                if inside and day >= inside[0]
            },
            "dividends": {
                str(stamp(day)): {"date": stamp(day), "amount": float(np.float32(cash / self.later(symbol, day)))}
                for day, cash in self.dividends.get(symbol, {}).items()
                if inside and day >= inside[0]
            },
        }
        if part.empty:
            return {"meta": meta, "indicators": {"quote": [{}]}}
        return {
            "meta": meta,
            "timestamp": part.index.as_unit("s").asi8.tolist(),
            "events": events,
            "indicators": {
                "quote": [quote],
                "adjclose": [{"adjclose": adjusted}],
            },
        }

    def periods(self, part):
        """Return the hours of each day."""
        found = []
        for day in dict.fromkeys(part.index.date):
            opens = pd.Timestamp(f"{day} 09:30", tz=part.index.tz)
            hours = {"start": int(opens.timestamp()), "end": int((opens + pd.Timedelta(hours=6.5)).timestamp())}
            found.append([{**hours, "timezone": "EST", "gmtoffset": 0}])
        return found


def daily(days, zone="America/New_York", at="09:30", start=100.0):
    """Return raw daily bars, called by their opens."""
    index = pd.DatetimeIndex([pd.Timestamp(f"{day} {at}", tz=zone) for day in days])
    return bars(index, start)


def bars(index, start=100.0):
    """Return raw bars of some opens, each a bit higher than the one before."""
    close = start + np.arange(len(index), dtype=float)
    frame = pd.DataFrame({"open": close - 0.5, "high": close + 1, "low": close - 1, "close": close}, index=index)
    return frame.assign(volume=1_000_000.0 + 1000 * np.arange(len(index)))


def date(text):
    return dt.date.fromisoformat(text)
