# Makes the files beside it: one state dictionary in both forms of torch.save, and as a member of a dictionary. Usage: python3 make.py FOLDER.
import collections
import sys

import torch

folder = sys.argv[1]
ramp = torch.arange(24.0).reshape(4, 6)
state = collections.OrderedDict()
state["ramp.weight"] = ramp
state["ramp.turned"] = ramp.t()  # the three share a storage
state["ramp.part"] = ramp[1:3, 2:5]
state["half"] = torch.tensor([1.5, -2.25, 65504.0, 2.0**-24]).half()
state["bfloat"] = torch.tensor([1.5, -3.0]).bfloat16()
state["double"] = torch.tensor([0.1], dtype=torch.float64)
state["count"] = torch.tensor(7)
state["scalar"] = torch.tensor(2.5)
state["parameter"] = torch.nn.Parameter(torch.ones(2, 2))
state["empty"] = torch.zeros(0, 3)
state._metadata = {"": {"version": 1}}
torch.save(state, folder + "/zip.pth")
torch.save(state, folder + "/old.pth", _use_new_zipfile_serialization=False)
torch.save({"state_dict": state, "epoch": 3, "best": 71.5, "lr": [0.1, None, True], "big": 1 << 40}, folder + "/nested.pth")
