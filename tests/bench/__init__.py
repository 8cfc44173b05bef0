"""The benchmark behind `./run bench`: tcpdw beside babeltrace2, bt2, tshark and pyshark.

Every figure and its peers are measured in the same call, in turns, each in a process of its own.
"""
