"""Published weights become ours by a table of names: every key is mapped, or dropped by name, or an error.

| origin | read by |
|---|---|
| the published TerraScope checkpoint (InternVL's own layout, SAM-2's own names, `text_hidden_fcs`) | `convert` |
| InternVL3 alone, in its own layout or in that of transformers | `start`, beside SAM-2 |
| SAM-2 alone, in its own names or in those of transformers | `start` |

`names` holds the tables, `published` the configuration, `folder` the streaming of shards.
"""

from __future__ import annotations

from terrascope_bench.terrascope.convert.begin import start
from terrascope_bench.terrascope.convert.folder import Report, convert

__all__ = ["Report", "convert", "start"]
