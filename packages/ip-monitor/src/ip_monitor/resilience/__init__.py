"""
Small, clocked, resettable parts that keep a service answering; none of them keeps state in its module.
"""
