"""The command lines: parse, call one function of a package, print. No logic of their own."""
