"""Market files of kinds that are around, written as those who offer them do: each is read with at most one option."""

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate_data.files import csv
from support.bar_files import DAYS, FIELDS, asked, quiet, walk

BARS = walk()
YEAR = pd.date_range("2022-01-01", periods=400, tz="UTC")
HOURS = pd.date_range("2024-01-02", periods=400, freq="h", tz="UTC")
NEW_YORK = pd.DatetimeIndex(
    [t for day in DAYS[:58] for t in pd.date_range(f"{day:%Y-%m-%d} 09:30", periods=7, freq="h", tz="America/New_York")]
)[:400]
EASTERN = HOURS.tz_convert("Etc/GMT+5")
ALWAYS = {"calendar": "24x7"}
EARLY = DAYS.strftime("%Y-%m-%d").isin(
    ["2018-07-03", "2018-11-23", "2018-12-24", "2019-07-03"]
)  # half days of New York
CLOSES = (DAYS + pd.to_timedelta(np.where(EARLY, 13, 16), unit="h")).tz_localize("America/New_York")


def lines(stamps, form, newest_first=False):
    """Return a line per bar; `form` names its time t, its prices o, h, l, c and its volume v or, whole, n."""
    every = [
        form.format(t=t, s=t.value // 10**9, o=o, h=h, l=low, c=c, v=v, n=int(v), m=v / 1e6)
        for t, (o, h, low, c, v) in zip(stamps, BARS.to_numpy(), strict=True)
    ]
    return every[::-1] if newest_first else every


def klines(stamps, unit, seconds):
    """Return lines of Binance, with the last moment of each bar."""
    form = "{a},{o:.8f},{h:.8f},{l:.8f},{c:.8f},{v:.8f},{b},{q:.8f},77,{v:.8f},{q:.8f},0"
    return [
        form.format(a=s * unit, b=(s + seconds) * unit - 1, o=o, h=h, l=low, c=c, v=v, q=99 * v)
        for s, (o, h, low, c, v) in zip((t.value // 10**9 for t in stamps), BARS.to_numpy(), strict=True)
    ]


KLINE = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
INVESTING = '"Date","Price","Open","High","Low","Vol.","Change %"'
DATABENTO = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"
DOWNLOAD = "https://www.CryptoDataDownload.com"
ADJUSTED = "{t:%Y-%m-%d},{o},{h},{l},{c},{v},0.0,1.0,{o},{h},{l},{c},{v}"
NOTE = '"Downloaded from Barchart.com as of 07-15-2019 05:19pm CST"'
BHAV = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,"

# The names of the columns and the lines; when the first bar is known, and the option that it takes.
DAILY = {
    "Yahoo": ["Date,Open,High,Low,Close,Adj Close,Volume", *lines(DAYS, "{t:%Y-%m-%d},{o},{h},{l},{c},{c},{n}")],
    "yfinance": [
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits",
        *lines(DAYS.tz_localize("America/New_York"), "{t},{o},{h},{l},{c},{n},0.0,0.0"),
    ],
    "Stooq": ["Date,Open,High,Low,Close,Volume", *lines(DAYS, "{t:%Y-%m-%d},{o},{h},{l},{c},{n}")],
    "Stooq, in bulk": [
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
        *lines(DAYS, "ABC.US,D,{t:%Y%m%d},000000,{o},{h},{l},{c},{v},0"),
    ],
    "Alpha Vantage": [
        "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient",
        *lines(DAYS, "{t:%Y-%m-%d},{o},{h},{l},{c},{c},{n},0.0000,1.0", newest_first=True),
    ],
    "Nasdaq": [
        "Date,Close/Last,Volume,Open,High,Low",
        *lines(DAYS, "{t:%m/%d/%Y},${c},{n},${o},${h},${l}", newest_first=True),
    ],
    "Investing": [
        INVESTING,
        *lines(DAYS, '"{t:%b %d, %Y}",{c},{o},{h},{l},"{m:.6f}M","-0.31%"', newest_first=True),
    ],
    "Investing, US": [
        INVESTING,
        *lines(DAYS, '"{t:%m/%d/%Y}",{c},{o},{h},{l},"{m:.6f}M","0.31%"', newest_first=True),
    ],
    "MarketWatch": [
        "Date,Open,High,Low,Close,Volume",
        *lines(DAYS, '{t:%m/%d/%Y},"${o:,.4f}","${h:,.4f}","${l:,.4f}","${c:,.4f}","{n:,}"', newest_first=True),
    ],
    "Barchart": [
        "Symbol,Time,Open,High,Low,Latest,Change,%Change,Volume,Open Int",
        *lines(DAYS, "ESU19,{t:%Y-%m-%d},{o},{h},{l},{c},1.2,+0.5%,{n},55", newest_first=True),
        NOTE,
    ],
    "MetaTrader 4": lines(DAYS, "{t:%Y.%m.%d},00:00,{o},{h},{l},{c},{n}"),
    "MetaTrader 5": [
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        *lines(DAYS, "{t:%Y.%m.%d}\t{o}\t{h}\t{l}\t{c}\t{n}\t0\t2"),
    ],
    "NSE": [BHAV, *lines(DAYS, "ABC,EQ,{o},{h},{l},{c},{c},99,{n},1e9,{t:%d-%b-%Y},77,INE144J01027,")],
    "NSE, full": [
        "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, TTL_TRD_QNTY",
        *lines(DAYS, "ABC, EQ, {t:%d-%b-%Y}, 100, {o}, {h}, {l}, {c}, {c}, {n}"),
    ],
    "NSE, from Kaggle": [
        "Date,Symbol,Series,Prev Close,Open,High,Low,Last,Close,VWAP,Volume,Turnover,Trades,%Deliverble",
        *lines(DAYS, "{t:%Y-%m-%d},ABC,EQ,440.0,{o},{h},{l},962.9,{c},984.72,{n},2.6e15,,0.3612"),
    ],
    "BSE": [  # each line ends with a comma, that of the names does not
        "Date,Open Price,High Price,Low Price,Close Price,WAP,No.of Shares,No. of Trades,Spread High-Low",
        *lines(DAYS, "{t:%d-%B-%Y},{o},{h},{l},{c},1,{n},7,1.5,", newest_first=True),
    ],
    "S&P 500, from Kaggle": [
        "date,open,high,low,close,volume,Name",
        *lines(DAYS, "{t:%Y-%m-%d},{o},{h},{l},{c},{n},ABC"),
    ],
    "NYSE, from Kaggle": [
        "date,symbol,open,close,low,high,volume",
        *lines(DAYS, "{t:%Y-%m-%d} 00:00:00,ABC,{o},{c},{l},{h},{v}"),
    ],
    "Polygon": [
        "ticker,volume,open,close,high,low,window_start,transactions",
        *lines(DAYS.tz_localize("America/New_York"), "ABC,{n},{o},{c},{h},{l},{s}000000000,77"),
    ],
    "Interactive Brokers": [
        ",date,open,high,low,close,volume,average,barCount",
        *lines(DAYS, "7,{t:%Y-%m-%d},{o},{h},{l},{c},{v},{c},55"),
    ],
    "Kibot": lines(DAYS, "{t:%m/%d/%Y},{o},{h},{l},{c},{n}"),
    "NinjaTrader": lines(DAYS, "{t:%Y%m%d};{o};{h};{l};{c};{n}"),
    "WIKI": [
        "ticker,date,open,high,low,close,volume,ex-dividend,split_ratio,adj_open,adj_high,adj_low,adj_close,adj_volume",
        *lines(DAYS, f"ABC,{ADJUSTED}"),
    ],
    "Quandl": [
        "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume",
        *lines(DAYS, ADJUSTED, newest_first=True),
    ],
    "Quandl, futures": [
        "Date,Open,High,Low,Last,Change,Settle,Volume,Previous Day Open Interest",
        *lines(DAYS, "{t:%Y-%m-%d},{o},{h},{l},{c},,{c},{v},1234.0", newest_first=True),
    ],
    "a futures contract": [
        "symbol,date,open,high,low,settle,volume,open_interest",
        *lines(DAYS, "ESU19,{t:%Y-%m-%d},{o},{h},{l},{c},{n},5"),
    ],
    "Sierra Chart": [
        "Date, Time, Open, High, Low, Last, Volume, OpenInterest",
        *lines(DAYS, "{t:%Y/%-m/%-d}, 00:00:00.000000, {o}, {h}, {l}, {c}, {n}, 5"),
    ],
    "Tiingo": [
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor",
        *lines(DAYS, "{t:%Y-%m-%d},{c},{h},{l},{o},{n},{c},{h},{l},{o},{n},0.0,1.0"),
    ],
    "zipline's csvdir": [
        "date,open,high,low,close,volume,dividend,split",
        *lines(DAYS, "{t:%Y-%m-%d},{o},{h},{l},{c},{n},0.0,1.0"),
    ],
}
IN_THE_DAY = {  # of a stock, from 09:30 on
    "yfinance": [
        "Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits",
        *lines(NEW_YORK, "{t},{o},{h},{l},{c},{n},0.0,0.0"),
    ],
    "Alpha Vantage": [
        "timestamp,open,high,low,close,volume",
        *lines(NEW_YORK, "{t:%Y-%m-%d %H:%M:%S},{o},{h},{l},{c},{n}", newest_first=True),
    ],
    "TradingView": ["time,open,high,low,close,Volume,Volume MA", *lines(NEW_YORK, "{s},{o},{h},{l},{c},{n},NaN")],
    "TradingView, ISO": [
        "time,open,high,low,close,Volume",
        *[line.replace(" ", "T", 1) for line in lines(NEW_YORK, "{t},{o},{h},{l},{c},{n}")],
    ],
    "Polygon": [
        "ticker,volume,open,close,high,low,window_start,transactions",
        *lines(NEW_YORK, "ABC,{n},{o},{c},{h},{l},{s}000000000,77"),
    ],
    "Interactive Brokers": [
        "Date,Open,High,Low,Close,Volume,WAP,Count",
        *lines(NEW_YORK, "{t:%Y%m%d  %H:%M:%S},{o},{h},{l},{c},{n},1,2"),
    ],
    "Interactive Brokers, zone": [
        "Date,Open,High,Low,Close,Volume,WAP,Count",
        *lines(NEW_YORK, "{t:%Y%m%d %H:%M:%S} US/Eastern,{o},{h},{l},{c},{n},1,2"),
    ],
    "Kibot": lines(NEW_YORK, "{t:%m/%d/%Y},{t:%H:%M},{o},{h},{l},{c},{n}"),
    "FirstRate": lines(NEW_YORK, "{t:%Y-%m-%d %H:%M:%S},{o},{h},{l},{c},{n}"),
    "Sierra Chart": [
        "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume",
        *lines(NEW_YORK, "{t:%Y/%-m/%-d}, {t:%H:%M:%S}.0, {o}, {h}, {l}, {c}, {n}, 5, 2, 3"),
    ],
}
ROUND_THE_CLOCK = {  # stamped at the open, as they say or as is known of who writes them
    "Binance": klines(HOURS, 10**3, 3600),
    "Binance, 2025": klines(HOURS, 10**6, 3600),
    "Binance, named": [KLINE, *klines(HOURS, 10**3, 3600)],
    "CryptoDataDownload": [
        DOWNLOAD,
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount",
        *lines(HOURS, "{s}000,{t:%Y-%m-%d %H:%M:%S},BTCUSDT,{o},{h},{l},{c},{v},1.5,55", newest_first=True),
    ],
    "CryptoDataDownload, once": [
        DOWNLOAD,
        "Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD",
        *lines(HOURS, "{s},{t:%Y-%m-%d %I-%p},BTC/USD,{o},{h},{l},{c},{v},1.5", newest_first=True),
    ],
    "MetaTrader 4": lines(HOURS, "{t:%Y.%m.%d},{t:%H:%M},{o},{h},{l},{c},{n}"),
    "MetaTrader 5": [
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        *lines(HOURS, "{t:%Y.%m.%d}\t{t:%H:%M:%S}\t{o}\t{h}\t{l}\t{c}\t{n}\t0\t2"),
    ],
    "Dukascopy": [
        "Gmt time,Open,High,Low,Close,Volume",
        *lines(HOURS, "{t:%d.%m.%Y %H:%M:%S}.000,{o},{h},{l},{c},{v}"),
    ],
    "Dukascopy, local": [
        "Local time,Open,High,Low,Close,Volume",
        *lines(EASTERN, "{t:%d.%m.%Y %H:%M:%S}.000 GMT-0500,{o},{h},{l},{c},{v}"),
    ],
    "Databento": [
        DATABENTO,
        *lines(HOURS, "{t:%Y-%m-%dT%H:%M:%S}.000000000Z,34,1,5482,{o:.9f},{h:.9f},{l:.9f},{c:.9f},{n},ESH4"),
    ],
    "Alpaca": [
        "symbol,timestamp,open,high,low,close,volume,trade_count,vwap",
        *lines(HOURS, "BTC/USD,{t},{o},{h},{l},{c},{v},7,{c}"),
    ],
}


def equal(bars, stamps):
    assert len(bars.symbols) == 1
    for name in FIELDS:
        np.testing.assert_allclose(getattr(bars, name)[:, 0], BARS[name], rtol=1e-12, err_msg=name)
    assert (bars.times == stamps.tz_convert("UTC").tz_localize(None).to_numpy()).all()


def text(lines):
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("kind", DAILY)
def test_daily_files_of_stocks_take_no_option(write, kind):
    path = write(text(DAILY[kind]))
    bars = csv(path) if kind == "Barchart" else quiet(lambda: csv(path))  # whose note is told of
    equal(bars, CLOSES)


@pytest.mark.parametrize("kind", IN_THE_DAY)
def test_files_within_the_day_take_no_option_either(write, kind):
    equal(quiet(lambda: csv(write(text(IN_THE_DAY[kind])))), NEW_YORK + pd.Timedelta(hours=1))


@pytest.mark.parametrize("kind", ROUND_THE_CLOCK)
def test_files_of_markets_that_never_close_take_their_calendar(write, kind):
    equal(quiet(lambda: csv(write(text(ROUND_THE_CLOCK[kind])), **ALWAYS)), HOURS + pd.Timedelta(hours=1))


def test_what_is_read_with_another_option(write):
    bulk = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
    warsaw = lines(NEW_YORK.tz_convert("Europe/Warsaw"), "ABC.US,60,{t:%Y%m%d},{t:%H%M%S},{o},{h},{l},{c},{v},0")
    equal(csv(write(text([bulk, *warsaw])), timezone="Europe/Warsaw"), NEW_YORK + pd.Timedelta(hours=1))
    ended = NEW_YORK + pd.Timedelta(minutes=30)  # NinjaTrader stamps bars at their close
    equal(csv(write(text(lines(ended, "{t:%Y%m%d %H%M%S};{o};{h};{l};{c};{n}")))), ended)
    equal(csv(write(text(klines(YEAR, 10**3, 86_400))), **ALWAYS), YEAR + pd.Timedelta(days=1))
    cap = '"{t:%Y-%m-%dT00:00:00.000Z}";{o};{h};{l};{c};{v};1e12;"{t:%Y-%m-%dT23:59:59.999Z}"'
    names = "timeOpen;open;high;low;close;volume;marketCap;timestamp"
    equal(csv(write(text([names, *lines(YEAR, cap, newest_first=True)])), **ALWAYS), YEAR + pd.Timedelta(days=1))


def test_contracts_that_run_side_by_side_are_symbols(write):
    form = "{{t:%Y-%m-%d}},{},{{o}},{{h}},{{l}},{{c}},{{n}},5"
    every = [line for name in ("ESH8", "ESM8") for line in lines(DAYS, form.format(name))]
    bars = csv(write(text(["Date,Contract,Open,High,Low,Settle,Volume,Open Interest", *every])))
    assert bars.symbols == ("ESH8", "ESM8")
    np.testing.assert_array_equal(bars.close, BARS[["close", "close"]])


def test_prices_of_databento_in_billionths_are_told(write):
    form = "{{s}}000000000,34,1,5482,{},{{n}},ESH4"
    raw = [
        line.replace(".", "").replace("~", "00000")
        for line in lines(HOURS, form.format(",".join(f"{{{name}:.4f}}~" for name in "ohlc")))
    ]
    with pytest.warns(quorate.DataWarning, match="billionths"):
        equal(csv(write(text([DATABENTO, *raw])), **ALWAYS), HOURS + pd.Timedelta(hours=1))


def test_ticks_are_no_bars(write):
    asked(write(text(lines(HOURS, "EUR/USD,{t:%Y%m%d %H:%M:%S}.153,{l},{h}"))), "trades must be made bars of first")


def test_files_whose_order_goes_both_ways_are_still_an_error(write):
    head, *rest = DAILY["Alpha Vantage"]
    half = [*rest[:200], *rest[:199:-1]]
    asked(write(text([head, *half])), r"bars must be sorted by time.*set data\.sort = true")
    rest[100:102] = rest[101:99:-1]
    with pytest.warns(
        quorate.DataWarning, match="newest bars come first but for 1 of 400, which are put in their place"
    ):
        equal(csv(write(text([head, *rest]))), CLOSES)


def test_other_faults_of_files_with_the_newest_first_are_told_without_their_order(write):
    head, *rest = DAILY["Alpha Vantage"]
    rest[3] = rest[3].replace(rest[3].split(",")[1], "dear")
    rest[9] = rest[9].replace(rest[9].split(",")[2], "0.01")
    message = asked(write(text([head, *rest])), "line 5 .'dear'.")
    assert "sorted" not in message
