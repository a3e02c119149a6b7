"""Regions of a frame without labels: objects there are neither right nor wrong."""

IGNORED_LABEL = -1
"""Class of a mask that is no object but an ignored region: predictions there are neither right nor wrong.

A clip carries such regions among its masks, so that every transform moves and hides them as it does objects. They have
the track ID 0 (objects count from 1) and leave the masks when the clip is packed.
"""
