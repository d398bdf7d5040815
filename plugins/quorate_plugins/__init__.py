"""Built-in models, features, labels, ensemblers, metrics and gates; plugins like any third party's."""
