from .instance_query_head import InstanceQueryHead, SlotOutputs

__all__ = ['InstanceQueryHead', 'SlotOutputs']
