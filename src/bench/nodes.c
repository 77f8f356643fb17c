/* Where the time of a pass goes: its nodes, those of one kind, shape and direction together, beside what they have to compute and move. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "bench/families.h"
#include "bench/measure.h"
#include "bench/operator.h"
#include "bench/pass.h"
#include "bench/subnet.h"

/* Nodes that are alike. */
typedef struct node_group {
    char label[FNAS_ROW_PART_BYTES];
    int64_t calls;
    double flops, bytes;
    double *wall_ms, *cpu_ms; /* [repeats] of all its nodes */
    double median_cpu_ms;
} node_group;

typedef struct profiled_pass {
    fnas_pass pass;
    fnas_node_profile *profile; /* [nodes][directions] */
    int64_t *group_of;          /* [nodes][directions] */
    node_group *groups;         /* [group_count] of at most nodes x directions */
    int64_t group_count, repeats;
    double *pass_cpu_ms; /* [repeats] */
} profiled_pass;

/* ---- groups ---- */

static void label_node(const fnas_net *net, int64_t index, fnas_node_direction direction, char *label) {
    const fnas_node *node = &net->nodes[index];
    const char *name = fnas_node_kind_name(node->kind), *way = direction == FNAS_NODE_FORWARD ? "forward" : "backward";
    fnas_value_shape out = net->values[node->result];
    if (node->kind == FNAS_NODE_CONV)
        snprintf(label, FNAS_ROW_PART_BYTES, "%s%s %lldx%lld %lld to %lld %lldx%lld %s", name, node->norm.present ? "+norm" : "",
                 (long long)node->conv.kernel, (long long)node->conv.kernel, (long long)node->conv.in, (long long)node->conv.out,
                 (long long)out.h, (long long)out.w, way);
    else
        snprintf(label, FNAS_ROW_PART_BYTES, "%s %lld %lldx%lld %s", name, (long long)out.c, (long long)out.h, (long long)out.w, way);
}

static int64_t find_group(profiled_pass *p, const char *label) {
    for (int64_t g = 0; g < p->group_count; g++)
        if (strcmp(p->groups[g].label, label) == 0) return g;
    snprintf(p->groups[p->group_count].label, FNAS_ROW_PART_BYTES, "%s", label);
    return p->group_count++;
}

static fnas_status make_groups(fnas_context *context, profiled_pass *p) {
    const fnas_net *net = p->pass.net;
    size_t entries = (size_t)net->node_count * FNAS_NODE_DIRECTIONS;
    p->profile = fnas_allocate(entries, sizeof *p->profile);
    p->group_of = fnas_allocate(entries, sizeof *p->group_of);
    p->groups = fnas_allocate(entries, sizeof *p->groups);
    p->pass_cpu_ms = fnas_allocate((size_t)p->repeats, sizeof *p->pass_cpu_ms);
    if (!p->profile || !p->group_of || !p->groups || !p->pass_cpu_ms) return fnas_fail_memory(context, "the profile of a pass");
    for (int64_t i = 0; i < (int64_t)entries; i++) {
        char label[FNAS_ROW_PART_BYTES];
        label_node(net, i / FNAS_NODE_DIRECTIONS, (fnas_node_direction)(i % FNAS_NODE_DIRECTIONS), label);
        p->group_of[i] = find_group(p, label);
    }
    for (int64_t g = 0; g < p->group_count; g++) {
        p->groups[g].wall_ms = fnas_allocate((size_t)p->repeats, sizeof(double));
        p->groups[g].cpu_ms = fnas_allocate((size_t)p->repeats, sizeof(double));
        if (!p->groups[g].wall_ms || !p->groups[g].cpu_ms) return fnas_fail_memory(context, "the profile of a pass");
    }
    return FNAS_OK;
}

static void profiled_free(profiled_pass *p) {
    for (int64_t g = 0; g < p->group_count; g++) {
        fnas_free(p->groups[g].wall_ms);
        fnas_free(p->groups[g].cpu_ms);
    }
    fnas_free(p->profile);
    fnas_free(p->group_of);
    fnas_free(p->groups);
    fnas_free(p->pass_cpu_ms);
    fnas_pass_free(&p->pass);
}

/* ---- timing ---- */

/* Nodes that did not run (ReLUs that convolutions took over, backward passes that nobody wants) count no call. */
static void gather(profiled_pass *p, int64_t repeat) {
    for (int64_t i = 0; i < p->pass.net->node_count * FNAS_NODE_DIRECTIONS; i++) {
        const fnas_node_profile *node = &p->profile[i];
        node_group *group = &p->groups[p->group_of[i]];
        group->wall_ms[repeat] += node->wall_ms;
        group->cpu_ms[repeat] += node->cpu_ms;
        p->pass_cpu_ms[repeat] += node->cpu_ms;
        if (repeat > 0) continue;
        group->calls += node->calls;
        group->flops += node->flops;
        group->bytes += node->bytes;
    }
}

static fnas_status time_nodes(fnas_bench *bench, profiled_pass *p) {
    double begin = fnas_wall_ms();
    for (int i = 0; i < 2; i++) FNAS_TRY(fnas_pass_run(bench->context, &p->pass)); /* kernels; memory as one block */
    p->pass.profile = p->profile;
    for (int64_t i = 0; i < p->repeats; i++) {
        fnas_progress progress = {"nodes", i, p->repeats, (fnas_wall_ms() - begin) / 1e3, ""};
        fnas_report_progress(bench->context, &progress);
        if (fnas_context_stop_requested(bench->context)) return fnas_fail(bench->context, FNAS_INTERRUPTED, "interrupted");
        memset(p->profile, 0, (size_t)p->pass.net->node_count * FNAS_NODE_DIRECTIONS * sizeof *p->profile);
        FNAS_TRY(fnas_pass_run(bench->context, &p->pass));
        gather(p, i);
    }
    return FNAS_OK;
}

/* ---- rows ---- */

static fnas_status add_group(fnas_bench *bench, const fnas_problem *problem, const profiled_pass *p, const node_group *group,
                             double error) {
    fnas_row row;
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    snprintf(row.part, sizeof row.part, "%s", group->label);
    row.precision = fnas_compute_type_name(p->pass.setup.type);
    row.error = error;
    row.repeats = p->repeats;
    row.wall_ms = fnas_range_of(group->wall_ms, p->repeats);
    row.cpu_ms = fnas_range_of(group->cpu_ms, p->repeats);
    row.flops = group->flops;
    row.bytes = group->bytes;
    fnas_row_figure_add(&row, "share_pct", 100 * row.cpu_ms.median / fnas_median(p->pass_cpu_ms, p->repeats));
    fnas_row_figure_add(&row, "nodes", (double)group->calls);
    return fnas_bench_end(bench, FNAS_OK, &row);
}

static int slower_first(const void *left, const void *right) {
    const node_group *a = left, *b = right;
    return (a->median_cpu_ms < b->median_cpu_ms) - (a->median_cpu_ms > b->median_cpu_ms);
}

static fnas_status add_rows(fnas_bench *bench, const fnas_problem *problem, profiled_pass *p, double error) {
    for (int64_t g = 0; g < p->group_count; g++) p->groups[g].median_cpu_ms = fnas_median(p->groups[g].cpu_ms, p->repeats);
    qsort(p->groups, (size_t)p->group_count, sizeof *p->groups, slower_first);
    for (int64_t g = 0; g < p->group_count; g++)
        if (p->groups[g].calls > 0) FNAS_TRY(add_group(bench, problem, p, &p->groups[g], error));
    return FNAS_OK;
}

static fnas_status nodes_run(fnas_bench *bench, const fnas_problem *problem) {
    profiled_pass p = {.repeats = bench->repeats};
    fnas_pass_setup setup = fnas_pass_setup_of(bench, problem);
    double error;
    FNAS_TRY(fnas_pass_check(bench->context, &setup, &error));
    fnas_status status = fnas_pass_create(bench->context, &setup, &p.pass);
    if (status == FNAS_OK) status = make_groups(bench->context, &p);
    if (status == FNAS_OK) status = time_nodes(bench, &p);
    if (status == FNAS_OK) status = add_rows(bench, problem, &p, error);
    profiled_free(&p);
    return status;
}

const fnas_problem_family fnas_problem_nodes = {
    .name = "nodes",
    .summary = "where the time of a pass goes: the operators of its nodes, a row for those of one kind, shape and direction together",
    .keys = fnas_pass_keys,
    .check = fnas_pass_check_problem,
    .run = nodes_run,
};

const fnas_problem_family fnas_problem_subnet_nodes = {
    .name = "subnet-nodes",
    .summary = "where the time of a sub-network goes, as in nodes",
    .keys = fnas_subnet_keys,
    .check = fnas_subnet_check_problem,
    .run = nodes_run,
};
