from .rcf_data_preprocessor import RCFDataPreprocessor, stack_audio

__all__ = ['RCFDataPreprocessor', 'stack_audio']
