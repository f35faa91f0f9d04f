"""An adapter lets another harness ask our questions; what is right or wrong is decided by our scorer alone.

`asking` is our prompt and our reading of replies, `verdict` what harnesses record of a reply, `inspect_task` and
`lmms_eval` are their plugins, `logs` makes a submission of what they recorded. No harness is imported before its use.
"""
