"""The arithmetic of a recipe, from bars to a judged part; it stores nothing and prints nothing.

What others take: `development` and `holdout` of `part`, which tells the path step by step; `prepare` of `layout`;
`Fitting` of `members`.
"""
