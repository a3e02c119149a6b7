"""Segment and track the objects of a video: the command ``mmrcf-demo``, from the source tree."""

import runpy

if __name__ == '__main__':
    runpy.run_module('mmrcf.demo', run_name='__main__', alter_sys=True)
else:
    from mmrcf.demo import main, parse_args

    __all__ = ['main', 'parse_args']
