"""The reference model: a language model that stops at each [SEG] to look at the pixels its own mask selects.

Read in this order; section numbers are those of the TerraScope paper (CVPR 2026, arXiv 2603.19039).

| file | idea |
|---|---|
| `config` | every size and rule of a model; `terrascope-nano` and `terrascope-8b` differ in nothing else |
| `tokens`, `prompt` | words to numbers; what stands before the reply |
| `tiling`, `images` | a picture to the channels and sizes that the encoders take |
| `network` | the parts and their names; `vision` runs the encoders once a frame |
| `mask_head` | the state at [SEG] to a mask |
| `select`, `fuse` | a mask to at most lambda visual tokens; optical or SAR, token by token |
| `evidence` | what of its mask a step is shown: that, or a control of the paper |
| `sequence`, `loss` | a whole teacher-forced reply; what it is trained on |
| `generate` | a reply, step by step, many at a time |
| `store`, `convert` | weights at rest; the published checkpoint brought over |
| `train` | the two stages |

Importing this package loads no torch; its modules, bar `config`, `prompt` and `tiling`, do.
"""

from __future__ import annotations
