"""Serve a page to drop a video on: the command ``mmrcf-web``, from the source tree."""

from mmrcf.web.__main__ import main, parse_args

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    main()
