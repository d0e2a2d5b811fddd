# The native engine as a part of an image, for ports that are built with make.
#
# COUNTERSIGN_ARITHMETIC: the object file with all code but module.c. `countersign build` makes it
# with the flags and the generated assembly of `countersign native`.

COUNTERSIGN_NATIVE := $(USERMOD_DIR)
SRC_USERMOD_C += $(COUNTERSIGN_NATIVE)/builtin.c
CFLAGS_USERMOD += -I$(COUNTERSIGN_NATIVE)
OBJ += $(COUNTERSIGN_ARITHMETIC)
