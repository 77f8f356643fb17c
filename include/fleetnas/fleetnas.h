/* fleetnas: one neural architecture search for every device of a fleet. Everything public. */
#ifndef FLEETNAS_FLEETNAS_H
#define FLEETNAS_FLEETNAS_H

#include "fleetnas/bench.h"
#include "fleetnas/context.h"
#include "fleetnas/data.h"
#include "fleetnas/device.h"
#include "fleetnas/device_export.h"
#include "fleetnas/device_import.h"
#include "fleetnas/estimate.h"
#include "fleetnas/front.h"
#include "fleetnas/predictor.h"
#include "fleetnas/report.h"
#include "fleetnas/results.h"
#include "fleetnas/rival.h"
#include "fleetnas/search.h"
#include "fleetnas/space.h"
#include "fleetnas/text.h"
#include "fleetnas/translate.h"
#include "fleetnas/truth.h"
#include "fleetnas/weights.h"

#endif
