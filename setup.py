"""Build and installation of the package ``mmrcf``. Imports nothing that has to be installed first."""

import shutil
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  a line of ours, where pip shows a conflict of requirements
    sys.exit(f'error: mmrcf needs Python 3.11 or newer; this is Python {sys.version.split()[0]}')

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# What a wheel carries beside the package, under mmrcf/.mim, where the MM tools look for it.
MIM_PATTERNS = (
    'model-index.yml',
    'configs/**/*.py',
    'configs/**/*.yml',
    'configs/**/*.md',
    'tools/**/*.py',
    'tools/**/*.sh',
    'demo/*.py',
    'demo/*.mp4',
    'demo/checkpoints/*.pth',
)


def read_version() -> str:
    """The version that ``mmrcf/version.py`` states, read without importing the package (which imports torch)."""
    namespace: dict[str, str] = {}
    exec((ROOT / 'mmrcf' / 'version.py').read_text(encoding='utf-8'), namespace)
    return namespace['__version__']


def read_requirements(name: str) -> list[str]:
    """The requirement lines of ``requirements/<name>.txt``."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith('#')]


class BuildWithConfigs(build_py):
    """Copy configs and tools into the build folder; the source tree stays as it is, without links."""

    def run(self) -> None:
        """Build the package, then add ``mmrcf/.mim``. An editable install reads the source tree itself."""
        super().run()
        if self.editable_mode:
            return
        target_root = Path(self.build_lib) / 'mmrcf' / '.mim'
        shutil.rmtree(target_root, ignore_errors=True)
        for pattern in MIM_PATTERNS:
            for source in sorted(ROOT.glob(pattern)):
                if '__pycache__' in source.parts:
                    continue
                target = target_root / source.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)


setup(
    name='mmrcf',
    version=read_version(),
    description='Online video instance segmentation via robust context fusion',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.11',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    python_requires='>=3.11',
    packages=find_packages(include=['mmrcf', 'mmrcf.*']),
    install_requires=read_requirements('runtime'),
    extras_require={
        name: read_requirements(name)
        for name in (
            'dev',
            'docs',
            'heif',
            'onnx',
            'openvino',
            'supervision',
            'tensorboard',
            'timm',
            'trackeval',
            'web',
        )
    },
    package_data={'mmrcf.web': ['style.css']},
    entry_points={
        'console_scripts': ['mmrcf-demo = mmrcf.command_line:run_demo', 'mmrcf-web = mmrcf.command_line:run_web']
    },
    cmdclass={'build_py': BuildWithConfigs},
    zip_safe=False,
)
