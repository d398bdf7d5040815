"""What a plugin may offer, and how it is declared, found, loaded and called.

Nothing here needs a number: listing plugins imports no NumPy. What others take:

- `hooks`: the hooks, ``hookimpl``; `specs`: what a hook yields; `space`: the ranges that tuning may search
- `registry`: every plugin by kind and name; `provider`: where one came from, and the reference that a worker loads
- `local`: plugin files; `code`: the digest of a plugin's code; `options`: what a recipe may set
"""
