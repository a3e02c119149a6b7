from .semantic_loss import SemanticLoss

__all__ = ['SemanticLoss']
