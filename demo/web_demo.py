"""Serve a page to drop a video on: the command ``mmrcf-web``, from the source tree."""

import runpy

if __name__ == '__main__':
    runpy.run_module('mmrcf.web.__main__', run_name='__main__', alter_sys=True)
else:
    from mmrcf.web.__main__ import main, parse_args

    __all__ = ['main', 'parse_args']
