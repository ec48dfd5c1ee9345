"""Everything that leaves: who may, in which arm, in which form, to which file or receiver."""
