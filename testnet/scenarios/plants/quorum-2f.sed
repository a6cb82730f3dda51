# file: Sources/Consensus/Validators/ValidatorSet.swift
# rule: certificate
# A quorum of half the stake: two of four are enough.
s/weight \* 3 > self\.total \* 2/weight * 2 >= self.total/
