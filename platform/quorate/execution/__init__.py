"""One fit, its key, its cache, and where fits run. Nothing above this room knows which executor it has.

What others take: `FitTask`, `FitData`, `FitResult` of `fit`; `with_keys` of `key`; `FitCache` of `cache`; `Executor` of
`executor`, `make_executor` of `choose`, `Queue` of `queue`; `Progress` and `Clock` of `progress`. `processes` and `ray`
run fits elsewhere, `isolated` beside the caller; `shared` hands data over without a copy.
"""
