/* Clocks, and the order of numbers measured with them. */
#ifndef FNAS_BASE_CLOCK_H
#define FNAS_BASE_CLOCK_H

double fnas_wall_ms(void);        /* monotonic */
double fnas_thread_cpu_ms(void);  /* of the calling thread */
double fnas_process_cpu_ms(void); /* of all threads together */

#endif
