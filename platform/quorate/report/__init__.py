"""One `Report`, and every rendering of it: the only room that imports rich.

What others take: `Report` of `report`; `terminal` draws it on a `console`, `views` what else commands show;
`words` says a verdict in a paragraph.
"""
