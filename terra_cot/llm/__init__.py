"""Captions and L2 chains phrased by a language model, from facts that stay ours.

The model is given phrases that each hold one measured fact and joins them into a question and a chain (`prompt`). What
it writes is read back word by word (`check`): a number, class or claim that no evidence bears is refused, asked for
again, and in the end the composer's own text stands (`writer`). `client` talks to any OpenAI-compatible endpoint, with
a cache of replies (`cache`) and a ledger of what was spent (`ledger`). Without an `llm` section in the recipe nothing
here runs.
"""
