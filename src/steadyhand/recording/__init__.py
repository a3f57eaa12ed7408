"""A demonstration becomes a workflow.

A *demonstration* is a list of *deeds* (a click, a text written, a key pressed...), each with the *look* of the screen
just before it. It comes from a person at a browser (`record`) or from a script (`Recorder`); what is stored of it is
the same.

- `deeds`: what can be done, and what a screen looked like.
- `messages`: what the listener in a page tells; `folding`: deeds out of these messages.
- `looks`: which of the pictures taken all along shows the screen just before a deed.
- `proposing`: postconditions out of what a deed changed on the screen.
- `draft`: deeds and looks to a workflow file with its images.
- `live` and `scripted`: the two ways to demonstrate.
"""

from __future__ import annotations

from steadyhand.recording.live import record
from steadyhand.recording.scripted import Recorder

__all__ = ["Recorder", "record"]
