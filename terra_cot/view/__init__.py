"""A site is a dataset to look at: pages that open from disk, with no server and nothing from the network.

    SITE/index.html      the page, with style and scripts in page/
    SITE/data/index.js   what is shown of what, the words that the columns use, classes and their colours
    SITE/data/list-*.js  what the list filters and searches, a thousand samples a file
    SITE/data/shown-*.js what one sample shows beside that, fifty a file, read when one of them is looked at
    SITE/images/         the pictures of the dataset, as they are
    SITE/view.json       what it was made of

A page from disk may not read JSON, but it may add a script: each data file is one call of a function of the page.
"""

from terra_cot.view.site import SHOWN_MOST, write_site

__all__ = ["SHOWN_MOST", "write_site"]
