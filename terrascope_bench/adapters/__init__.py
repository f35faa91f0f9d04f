"""An adapter lets another harness ask our questions; what is right or wrong is decided by our scorer alone.

`verdict` is what both harnesses record of a reply, `inspect_task` and `lmms_eval` are their plugins, `logs` makes a
submission of what they recorded. None of the harnesses is imported before it is used.
"""
