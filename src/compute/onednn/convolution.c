/* Convolutions by oneDNN. An outer layout is what the rest of the library uses (plain weights, activations in the engine's layout), an
 * inner one what the kernel wants; a port joins the two, by a reorder where they differ. */
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "compute/engine_internal.h"
#include "compute/onednn/common.h"

/* Prepared convolutions that one engine keeps: every shape of a fixed network, and a working set of an elastic one. */
#define CACHE_CAPACITY 512
#define KEY_FIELDS 13
#define FLIPPED_CHANNELS 16 /* see runs_flipped */
#define NAME_BYTES 64

enum { PORT_FIRST, PORT_SECOND, PORT_RESULT, PORT_COUNT }; /* as in fnas_backend_conv_run */

typedef struct port {
    dnnl_memory_desc_t outer_layout, inner_layout;
    dnnl_memory_t outer, inner; /* the same memory where no reorder is needed */
    dnnl_primitive_t reorder;
    dnnl_memory_t reorder_scratchpad;
    size_t outer_bytes, inner_bytes, reorder_scratchpad_bytes;
    int argument;
} port;

struct fnas_backend_conv {
    int64_t key[KEY_FIELDS];
    uint64_t hash;
    int64_t last_used;
    dnnl_primitive_t primitive;
    port ports[PORT_COUNT];
    int weights_port;
    bool flipped; /* see runs_flipped */
    int64_t filters, taps;
    dnnl_memory_t bias, scratchpad;
    int bias_argument;
    size_t scratchpad_bytes, scratch_bytes;
    char implementation[NAME_BYTES];
};

struct fnas_backend {
    const fnas_onednn *onednn;
    dnnl_data_type_t type; /* of activations */
    dnnl_stream_t stream;
    fnas_backend_conv *entries[CACHE_CAPACITY];
    int64_t entry_count, clock, preparations;
};

/* oneDNN plans a primitive for the threads it sees, so they must be one both when it is made and when it runs. */
typedef struct one_thread {
    int before;
} one_thread;

static one_thread one_thread_begin(void) {
    one_thread guard = {omp_get_max_threads()};
    if (guard.before != 1) omp_set_num_threads(1);
    return guard;
}

static void one_thread_end(one_thread guard) {
    if (guard.before != 1) omp_set_num_threads(guard.before);
}

/* ---- descriptions ---- */

typedef struct layouts {
    dnnl_memory_desc_t activation_in, activation_out, weights, bias;
} layouts;

static int weight_rank(const fnas_conv_shape *s) {
    return s->groups > 1 ? 5 : 4;
}

static void weight_dims(const fnas_conv_shape *s, dnnl_dims_t dims) {
    int at = 0;
    if (s->groups > 1) dims[at++] = s->groups;
    dims[at++] = s->out_channels / s->groups;
    dims[at++] = s->in_channels / s->groups;
    dims[at++] = s->kernel_h;
    dims[at] = s->kernel_w;
}

/* Data types of the activations and of the weights that a kernel sees. */
typedef struct types {
    dnnl_data_type_t activation_in, activation_out, weights;
} types;

/* Gradients of weights are f32 whatever the activations are. */
static types kernel_types(dnnl_data_type_t activations, fnas_conv_kind kind) {
    return (types){activations, activations, kind == FNAS_CONV_BACKWARD_WEIGHTS ? dnnl_f32 : activations};
}

static dnnl_status_t init_layouts(const fnas_conv_shape *s, types kinds, dnnl_format_tag_t in, dnnl_format_tag_t out,
                                  dnnl_format_tag_t weights, layouts *made) {
    dnnl_dims_t in_dims = {s->n, s->in_channels, s->in_h, s->in_w};
    dnnl_dims_t out_dims = {s->n, s->out_channels, fnas_conv_out_h(s), fnas_conv_out_w(s)};
    dnnl_dims_t weights_dims, bias_dims = {s->out_channels};
    weight_dims(s, weights_dims);
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&made->activation_in, 4, in_dims, kinds.activation_in, in);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&made->activation_out, 4, out_dims, kinds.activation_out, out);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&made->weights, weight_rank(s), weights_dims, kinds.weights, weights);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&made->bias, 1, bias_dims, dnnl_f32, dnnl_a);
    return status;
}

static dnnl_status_t describe_forward(const fnas_conv_shape *s, const layouts *l, bool with_bias, dnnl_convolution_desc_t *description) {
    const dnnl_dims_t stride = {s->stride, s->stride}, padding = {s->padding, s->padding};
    return dnnl_convolution_forward_desc_init(description, dnnl_forward_training, dnnl_convolution_direct, &l->activation_in, &l->weights,
                                              with_bias ? &l->bias : NULL, &l->activation_out, stride, padding, padding);
}

static dnnl_status_t describe_backward(const fnas_conv_shape *s, const layouts *l, fnas_conv_kind kind, bool with_bias,
                                       dnnl_convolution_desc_t *description) {
    const dnnl_dims_t stride = {s->stride, s->stride}, padding = {s->padding, s->padding};
    if (kind == FNAS_CONV_BACKWARD_DATA)
        return dnnl_convolution_backward_data_desc_init(description, dnnl_convolution_direct, &l->activation_in, &l->weights,
                                                        &l->activation_out, stride, padding, padding);
    return dnnl_convolution_backward_weights_desc_init(description, dnnl_convolution_direct, &l->activation_in, &l->weights,
                                                       with_bias ? &l->bias : NULL, &l->activation_out, stride, padding, padding);
}

static dnnl_status_t create_description(const fnas_onednn *onednn, const fnas_conv_shape *s, const layouts *l, fnas_conv_kind kind,
                                        bool with_bias, dnnl_primitive_desc_t *made) {
    dnnl_convolution_desc_t forward, backward;
    dnnl_primitive_desc_t hint = NULL;
    layouts forward_layouts = *l;
    forward_layouts.weights.data_type = l->activation_in.data_type; /* of the forward pass that belongs to a gradient of f32 */
    dnnl_status_t status = describe_forward(s, &forward_layouts, kind == FNAS_CONV_FORWARD && with_bias, &forward);
    if (kind == FNAS_CONV_FORWARD)
        return status != dnnl_success ? status : dnnl_primitive_desc_create(made, &forward, onednn->attributes, onednn->engine, NULL);

    if (status == dnnl_success) status = dnnl_primitive_desc_create(&hint, &forward, NULL, onednn->engine, NULL);
    if (status == dnnl_success) status = describe_backward(s, l, kind, with_bias, &backward);
    if (status == dnnl_success) status = dnnl_primitive_desc_create(made, &backward, onednn->attributes, onednn->engine, hint);
    if (hint) dnnl_primitive_desc_destroy(hint);
    return status;
}

static const char *implementation_of(const_dnnl_primitive_desc_t description) {
    const char *name = NULL;
    dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name);
    return name ? name : "unknown";
}

static bool is_reference(const_dnnl_primitive_desc_t description) {
    return strstr(implementation_of(description), "ref") != NULL;
}

/* In the engine's layout if a fast kernel takes it; else in whatever layout a fast kernel wants, at the price of reorders; else by the
 * reference kernel, which takes all layouts but is a thousand times slower. */
static dnnl_status_t choose_description(const fnas_onednn *onednn, const fnas_conv_shape *s, types kinds, dnnl_format_tag_t in_tag,
                                        fnas_conv_kind kind, bool with_bias, dnnl_primitive_desc_t *chosen) {
    layouts wanted, free_choice;
    dnnl_status_t status = init_layouts(s, kinds, in_tag, onednn->activation_tag, dnnl_format_tag_any, &wanted);
    if (status == dnnl_success)
        status = init_layouts(s, kinds, dnnl_format_tag_any, dnnl_format_tag_any, dnnl_format_tag_any, &free_choice);
    if (status != dnnl_success) return status;
    status = create_description(onednn, s, &wanted, kind, with_bias, chosen);
    if (status == dnnl_success && !is_reference(*chosen)) return status;

    dnnl_primitive_desc_t other = NULL;
    dnnl_status_t other_status = create_description(onednn, s, &free_choice, kind, with_bias, &other);
    if (other_status != dnnl_success) return status;
    bool keep_first = status == dnnl_success && is_reference(other);
    if (keep_first) {
        dnnl_primitive_desc_destroy(other);
    } else {
        if (status == dnnl_success) dnnl_primitive_desc_destroy(*chosen);
        *chosen = other;
    }
    return dnnl_success;
}

/* ---- ports ---- */

static dnnl_status_t create_reorder(const fnas_onednn *onednn, port *p, bool into_kernel) {
    dnnl_primitive_desc_t description = NULL;
    const dnnl_memory_desc_t *from = into_kernel ? &p->outer_layout : &p->inner_layout,
                             *to = into_kernel ? &p->inner_layout : &p->outer_layout;
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(&description, from, onednn->engine, to, onednn->engine, onednn->attributes);
    if (status != dnnl_success) return status;
    const dnnl_memory_desc_t *scratchpad = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    p->reorder_scratchpad_bytes = dnnl_memory_desc_get_size(scratchpad);
    status = dnnl_memory_create(&p->reorder_scratchpad, scratchpad, onednn->engine, DNNL_MEMORY_NONE);
    if (status == dnnl_success) status = dnnl_primitive_create(&p->reorder, description);
    dnnl_primitive_desc_destroy(description);
    return status;
}

static dnnl_status_t create_port(const fnas_onednn *onednn, port *p, bool into_kernel) {
    dnnl_status_t status = dnnl_memory_create(&p->outer, &p->outer_layout, onednn->engine, DNNL_MEMORY_NONE);
    if (status != dnnl_success) return status;
    p->outer_bytes = dnnl_memory_desc_get_size(&p->outer_layout);
    p->inner_bytes = dnnl_memory_desc_get_size(&p->inner_layout);
    if (dnnl_memory_desc_equal(&p->outer_layout, &p->inner_layout)) {
        p->inner = p->outer;
        return dnnl_success;
    }
    status = dnnl_memory_create(&p->inner, &p->inner_layout, onednn->engine, DNNL_MEMORY_NONE);
    return status != dnnl_success ? status : create_reorder(onednn, p, into_kernel);
}

static void destroy_port(port *p) {
    if (p->reorder) dnnl_primitive_destroy(p->reorder);
    if (p->reorder_scratchpad) dnnl_memory_destroy(p->reorder_scratchpad);
    if (p->inner && p->inner != p->outer) dnnl_memory_destroy(p->inner);
    if (p->outer) dnnl_memory_destroy(p->outer);
}

/* ---- prepared convolutions ---- */

static void destroy_conv(fnas_backend_conv *conv) {
    if (!conv) return;
    for (int i = 0; i < PORT_COUNT; i++) destroy_port(&conv->ports[i]);
    if (conv->bias) dnnl_memory_destroy(conv->bias);
    if (conv->scratchpad) dnnl_memory_destroy(conv->scratchpad);
    if (conv->primitive) dnnl_primitive_destroy(conv->primitive);
    fnas_free(conv);
}

/* Which argument of the primitive each port is, and the layouts on both of its sides. */
static void assign_ports(fnas_backend_conv *conv, const_dnnl_primitive_desc_t description, fnas_conv_kind kind, const layouts *outer) {
    static const struct {
        int argument[PORT_COUNT];
        dnnl_query_t query[PORT_COUNT];
    } roles[] = {
        [FNAS_CONV_FORWARD] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                               {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md}},
        [FNAS_CONV_BACKWARD_DATA] = {{DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
                                     {dnnl_query_diff_dst_md, dnnl_query_weights_md, dnnl_query_diff_src_md}},
        [FNAS_CONV_BACKWARD_WEIGHTS] = {{DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS},
                                        {dnnl_query_src_md, dnnl_query_diff_dst_md, dnnl_query_diff_weights_md}},
    };
    for (int i = 0; i < PORT_COUNT; i++) {
        port *p = &conv->ports[i];
        p->argument = roles[kind].argument[i];
        p->inner_layout = *dnnl_primitive_desc_query_md(description, roles[kind].query[i], 0);
        bool weights = p->argument == DNNL_ARG_WEIGHTS || p->argument == DNNL_ARG_DIFF_WEIGHTS;
        bool out_side = p->argument == DNNL_ARG_DST || p->argument == DNNL_ARG_DIFF_DST;
        p->outer_layout = weights ? outer->weights : out_side ? outer->activation_out : outer->activation_in;
        if (weights) conv->weights_port = i;
    }
    conv->bias_argument = kind == FNAS_CONV_FORWARD ? DNNL_ARG_BIAS : DNNL_ARG_DIFF_BIAS;
}

/* With 16 channels oneDNN 2.6 runs the gradient of the data a quarter faster than the forward pass. With stride 1 and the same extents the
 * forward pass is such a gradient, of the filters turned about their centre, with inputs and outputs exchanged. */
static bool runs_flipped(const fnas_backend *backend, const fnas_conv_shape *s, fnas_conv_kind kind, bool with_bias) {
    return kind == FNAS_CONV_FORWARD && !with_bias && backend->type == dnnl_f32 && backend->onednn->block == FLIPPED_CHANNELS &&
           s->in_channels == FLIPPED_CHANNELS && s->out_channels == FLIPPED_CHANNELS && s->groups == 1 && s->stride == 1 &&
           !s->image_source && s->kernel_h == s->kernel_w && s->kernel_h > 1 && s->kernel_h == 2 * s->padding + 1;
}

static void flip_filters(int64_t filters, int64_t taps, const float *weights, float *flipped) {
    for (int64_t o = 0; o < filters; o++)
        for (int64_t i = 0; i < filters; i++)
            for (int64_t k = 0; k < taps; k++) flipped[(i * filters + o) * taps + taps - 1 - k] = weights[(o * filters + i) * taps + k];
}

static dnnl_status_t build_conv(const fnas_backend *backend, fnas_backend_conv *conv, const fnas_conv_shape *shape, fnas_conv_kind kind,
                                bool with_bias) {
    const fnas_onednn *onednn = backend->onednn;
    layouts outer;
    dnnl_primitive_desc_t description = NULL;
    types outside = {shape->image_source ? dnnl_f32 : backend->type, backend->type, dnnl_f32};
    dnnl_format_tag_t in_tag = shape->image_source ? dnnl_nchw : onednn->activation_tag;
    conv->flipped = runs_flipped(backend, shape, kind, with_bias);
    conv->filters = shape->out_channels;
    conv->taps = shape->kernel_h * shape->kernel_w;
    if (conv->flipped) kind = FNAS_CONV_BACKWARD_DATA;
    dnnl_status_t status = init_layouts(shape, outside, in_tag, onednn->activation_tag, shape->groups > 1 ? dnnl_goihw : dnnl_oihw, &outer);
    if (status == dnnl_success)
        status = choose_description(onednn, shape, kernel_types(backend->type, kind), in_tag, kind, with_bias, &description);
    if (status != dnnl_success) return status;

    snprintf(conv->implementation, sizeof conv->implementation, "%s", implementation_of(description));
    assign_ports(conv, description, kind, &outer);
    const dnnl_memory_desc_t *scratchpad = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    conv->scratchpad_bytes = dnnl_memory_desc_get_size(scratchpad);
    status = dnnl_memory_create(&conv->scratchpad, scratchpad, onednn->engine, DNNL_MEMORY_NONE);
    if (status == dnnl_success && with_bias) status = dnnl_memory_create(&conv->bias, &outer.bias, onednn->engine, DNNL_MEMORY_NONE);
    for (int i = 0; i < PORT_COUNT && status == dnnl_success; i++) status = create_port(onednn, &conv->ports[i], i != PORT_RESULT);
    if (status == dnnl_success) status = dnnl_primitive_create(&conv->primitive, description);
    dnnl_primitive_desc_destroy(description);
    return status;
}

static bool needs_reorder(const port *p) {
    return p->inner != p->outer;
}

/* Inner buffers first (of flipped weights the plain ones before them), then one scratchpad that the primitive and the reorders use in
 * turn. */
static size_t conv_scratch_bytes(const fnas_backend_conv *conv) {
    size_t inner = conv->flipped ? fnas_align_bytes(conv->ports[conv->weights_port].outer_bytes) : 0, scratchpad = conv->scratchpad_bytes;
    for (int i = 0; i < PORT_COUNT; i++) {
        const port *p = &conv->ports[i];
        if (needs_reorder(p) || (conv->flipped && i == conv->weights_port)) inner += fnas_align_bytes(p->inner_bytes);
        if (p->reorder_scratchpad_bytes > scratchpad) scratchpad = p->reorder_scratchpad_bytes;
    }
    return inner + fnas_align_bytes(scratchpad);
}

/* ---- cache ---- */

static void make_key(const fnas_conv_shape *s, fnas_conv_kind kind, bool with_bias, int64_t key[KEY_FIELDS]) {
    const int64_t fields[KEY_FIELDS] = {s->n,        s->in_channels, s->in_h,    s->in_w,   s->out_channels, s->kernel_h,
                                        s->kernel_w, s->stride,      s->padding, s->groups, s->image_source, kind,
                                        with_bias};
    memcpy(key, fields, sizeof fields);
}

static uint64_t hash_key(const int64_t key[KEY_FIELDS]) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a over whole fields */
    for (int i = 0; i < KEY_FIELDS; i++) hash = (hash ^ (uint64_t)key[i]) * 1099511628211u;
    return hash;
}

static fnas_backend_conv *cache_find(fnas_backend *backend, const int64_t key[KEY_FIELDS], uint64_t hash) {
    for (int64_t i = 0; i < backend->entry_count; i++) {
        fnas_backend_conv *entry = backend->entries[i];
        if (entry->hash == hash && memcmp(entry->key, key, sizeof entry->key) == 0) return entry;
    }
    return NULL;
}

static void cache_insert(fnas_backend *backend, fnas_backend_conv *conv) {
    if (backend->entry_count < CACHE_CAPACITY) {
        backend->entries[backend->entry_count++] = conv;
        return;
    }
    int64_t oldest = 0;
    for (int64_t i = 1; i < CACHE_CAPACITY; i++)
        if (backend->entries[i]->last_used < backend->entries[oldest]->last_used) oldest = i;
    destroy_conv(backend->entries[oldest]);
    backend->entries[oldest] = conv;
}

static fnas_status fail_conv(fnas_context *context, dnnl_status_t status, const fnas_conv_shape *s) {
    char what[200];
    snprintf(what, sizeof what,
             "convolution of [%lld, %lld, %lld, %lld] with %lld filters of %lld x %lld, stride %lld, padding %lld, %lld groups",
             (long long)s->n, (long long)s->in_channels, (long long)s->in_h, (long long)s->in_w, (long long)s->out_channels,
             (long long)s->kernel_h, (long long)s->kernel_w, (long long)s->stride, (long long)s->padding, (long long)s->groups);
    return fnas_onednn_fail(context, status, what);
}

fnas_status fnas_backend_prepare(fnas_context *context, fnas_backend *backend, const fnas_conv_shape *shape, fnas_conv_kind kind,
                                 bool with_bias, fnas_backend_conv **conv) {
    int64_t key[KEY_FIELDS];
    make_key(shape, kind, with_bias, key);
    uint64_t hash = hash_key(key);
    *conv = cache_find(backend, key, hash);
    if (!*conv) {
        fnas_backend_conv *made = fnas_allocate(1, sizeof *made);
        if (!made) return fnas_fail_memory(context, "a convolution");
        one_thread guard = one_thread_begin();
        dnnl_status_t status = build_conv(backend, made, shape, kind, with_bias);
        one_thread_end(guard);
        if (status != dnnl_success) {
            destroy_conv(made);
            return fail_conv(context, status, shape);
        }
        memcpy(made->key, key, sizeof made->key);
        made->hash = hash;
        made->scratch_bytes = conv_scratch_bytes(made);
        cache_insert(backend, made);
        backend->preparations++;
        *conv = made;
    }
    (*conv)->last_used = backend->clock++;
    return FNAS_OK;
}

size_t fnas_backend_conv_scratch_bytes(const fnas_backend_conv *conv) {
    return conv->scratch_bytes;
}

const char *fnas_backend_conv_implementation(const fnas_backend_conv *conv) {
    return conv->implementation;
}

/* ---- running ---- */

static dnnl_status_t run_reorder(dnnl_stream_t stream, const port *p, bool into_kernel, void *scratchpad) {
    dnnl_status_t status = dnnl_memory_set_data_handle_v2(p->reorder_scratchpad, scratchpad, stream);
    if (status != dnnl_success) return status;
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, into_kernel ? p->outer : p->inner},
                                         {DNNL_ARG_TO, into_kernel ? p->inner : p->outer},
                                         {DNNL_ARG_SCRATCHPAD, p->reorder_scratchpad}};
    return dnnl_primitive_execute(p->reorder, stream, 3, arguments);
}

static dnnl_status_t bind_port(dnnl_stream_t stream, const port *p, void *outer, void *inner) {
    dnnl_status_t status = dnnl_memory_set_data_handle_v2(p->outer, outer, stream);
    if (status == dnnl_success && needs_reorder(p)) status = dnnl_memory_set_data_handle_v2(p->inner, inner, stream);
    return status;
}

/* Weights between plain (outer) and packed. */
static dnnl_status_t move_weights(dnnl_stream_t stream, const port *p, bool into_kernel, void *outer, void *packed, void *scratchpad) {
    if (!needs_reorder(p)) {
        memcpy(into_kernel ? packed : outer, into_kernel ? outer : packed, p->outer_bytes);
        return dnnl_success;
    }
    dnnl_status_t status = bind_port(stream, p, outer, packed);
    return status != dnnl_success ? status : run_reorder(stream, p, into_kernel, scratchpad);
}

/* Hands the buffers over, weights packed; returns where the shared scratchpad begins. */
static dnnl_status_t bind_buffers(dnnl_stream_t stream, fnas_backend_conv *conv, void *const given[PORT_COUNT], float *bias, char *scratch,
                                  void **scratchpad) {
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < PORT_COUNT && status == dnnl_success; i++) {
        const port *p = &conv->ports[i];
        bool packed = i == conv->weights_port;
        status = packed ? dnnl_memory_set_data_handle_v2(p->inner, given[i], stream) : bind_port(stream, p, given[i], scratch);
        if (!packed && needs_reorder(p)) scratch += fnas_align_bytes(p->inner_bytes);
    }
    if (status == dnnl_success && conv->bias) status = dnnl_memory_set_data_handle_v2(conv->bias, bias, stream);
    if (status == dnnl_success) status = dnnl_memory_set_data_handle_v2(conv->scratchpad, scratch, stream);
    *scratchpad = scratch;
    return status;
}

static dnnl_status_t run_primitive(dnnl_stream_t stream, const fnas_backend_conv *conv) {
    dnnl_exec_arg_t arguments[PORT_COUNT + 2];
    int count = 0;
    for (int i = 0; i < PORT_COUNT; i++) arguments[count++] = (dnnl_exec_arg_t){conv->ports[i].argument, conv->ports[i].inner};
    if (conv->bias) arguments[count++] = (dnnl_exec_arg_t){conv->bias_argument, conv->bias};
    arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, conv->scratchpad};
    return dnnl_primitive_execute(conv->primitive, stream, count, arguments);
}

/* Activations that lie otherwise than the kernel wants them; weights are packed already. */
static dnnl_status_t reorder_activations(dnnl_stream_t stream, const fnas_backend_conv *conv, bool into_kernel, void *scratchpad) {
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < PORT_COUNT && status == dnnl_success; i++) {
        const port *p = &conv->ports[i];
        if (i != conv->weights_port && needs_reorder(p) && into_kernel == (i != PORT_RESULT))
            status = run_reorder(stream, p, into_kernel, scratchpad);
    }
    return status;
}

fnas_status fnas_backend_conv_run_packed(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv, const void *first,
                                         const void *second, float *bias, void *result, void *scratch) {
    void *const given[PORT_COUNT] = {(void *)first, (void *)second, result}; /* oneDNN has one kind of memory, for reading and writing */
    void *scratchpad;
    one_thread guard = one_thread_begin();
    dnnl_status_t status = bind_buffers(backend->stream, conv, given, bias, scratch, &scratchpad);
    if (status == dnnl_success) status = reorder_activations(backend->stream, conv, true, scratchpad);
    if (status == dnnl_success) status = run_primitive(backend->stream, conv);
    if (status == dnnl_success) status = reorder_activations(backend->stream, conv, false, scratchpad);
    if (status == dnnl_success) status = dnnl_stream_wait(backend->stream);
    one_thread_end(guard);
    FNAS_TRY_DNNL(context, status, conv->implementation);
    return FNAS_OK;
}

size_t fnas_backend_conv_packed_bytes(const fnas_backend_conv *conv) {
    return conv->ports[conv->weights_port].inner_bytes;
}

fnas_status fnas_backend_conv_pack(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv, const float *weights,
                                   void *packed, void *scratch) {
    const port *p = &conv->ports[conv->weights_port];
    void *outer = (void *)weights, *scratchpad = scratch;
    if (conv->flipped) {
        flip_filters(conv->filters, conv->taps, weights, scratch);
        outer = scratch;
        scratchpad = (char *)scratch + fnas_align_bytes(p->outer_bytes);
    }
    one_thread guard = one_thread_begin();
    dnnl_status_t status = move_weights(backend->stream, p, true, outer, packed, scratchpad);
    if (status == dnnl_success) status = dnnl_stream_wait(backend->stream);
    one_thread_end(guard);
    FNAS_TRY_DNNL(context, status, conv->implementation);
    return FNAS_OK;
}

fnas_status fnas_backend_conv_unpack(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv, const void *packed,
                                     float *weights, void *scratch) {
    one_thread guard = one_thread_begin();
    dnnl_status_t status = move_weights(backend->stream, &conv->ports[conv->weights_port], false, weights, (void *)packed, scratch);
    if (status == dnnl_success) status = dnnl_stream_wait(backend->stream);
    one_thread_end(guard);
    FNAS_TRY_DNNL(context, status, conv->implementation);
    return FNAS_OK;
}

fnas_status fnas_backend_conv_run(fnas_context *context, fnas_backend *backend, fnas_backend_conv *conv, const void *first,
                                  const void *second, float *bias, void *result, void *scratch) {
    const port *p = &conv->ports[conv->weights_port];
    if (!needs_reorder(p) && !conv->flipped)
        return fnas_backend_conv_run_packed(context, backend, conv, first, second, bias, result, scratch);
    void *packed = scratch;
    scratch = (char *)scratch + fnas_align_bytes(p->inner_bytes);
    if (conv->weights_port == PORT_RESULT) {
        FNAS_TRY(fnas_backend_conv_run_packed(context, backend, conv, first, second, bias, packed, scratch));
        return fnas_backend_conv_unpack(context, backend, conv, packed, result, scratch);
    }
    FNAS_TRY(fnas_backend_conv_pack(context, backend, conv, second, packed, scratch));
    return fnas_backend_conv_run_packed(context, backend, conv, first, packed, bias, result, scratch);
}

/* ---- life ---- */

fnas_status fnas_backend_create(fnas_context *context, fnas_compute_type type, fnas_backend **backend, int64_t *block) {
    const fnas_onednn *onednn;
    FNAS_TRY(fnas_onednn_get(context, &onednn));
    fnas_backend *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "a compute engine");
    made->onednn = onednn;
    made->type = type == FNAS_COMPUTE_BF16 ? dnnl_bf16 : dnnl_f32;
    dnnl_status_t status = dnnl_stream_create(&made->stream, onednn->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        fnas_free(made);
        return fnas_onednn_fail(context, status, "a stream");
    }
    *backend = made;
    *block = onednn->block;
    return FNAS_OK;
}

void fnas_backend_destroy(fnas_backend *backend) {
    if (!backend) return;
    for (int64_t i = 0; i < backend->entry_count; i++) destroy_conv(backend->entries[i]);
    dnnl_stream_destroy(backend->stream);
    fnas_free(backend);
}

int64_t fnas_backend_preparations(const fnas_backend *backend) {
    return backend->preparations;
}
