"""L2: several facts in a row lead to one answer. Spatial compositions measure; semantic ones apply a rule that the
question states, so that the answer can be checked. One file a composition; the last sentence of a chain concludes.
"""
