"""One `Report`, and every rendering of it: the only room that imports rich.

What others take: `Report` of `report`; `terminal`, `timeline_view` and the tables of `views` draw it on a `console`;
`words` says a verdict in a paragraph.
"""
