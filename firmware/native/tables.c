#define DEFINE_TABLES
#include "tables.h"
