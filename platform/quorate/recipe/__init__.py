"""Recipes: what an experiment is made of, as typed and validated TOML.

What others take: `Recipe` of `schema`, `load_recipe` of `load`; `resolve`; the digests of `digest` and `canonical`.
"""
