/* cuBLAS and cuBLASLt. PyTorch gives them their workspace itself: its size is not asked here. */
#include <string.h>

#include "cuda.h"

int cublasCreate_v2(void **handle)
{
    *handle = new_handle();
    return SUCCESS;
}

int cublasGetMathMode(void *, int *mode)
{
    *mode = 0;
    return SUCCESS;
}

int cublasGetPointerMode_v2(void *, int *mode)
{
    *mode = 0;
    return SUCCESS;
}

int cublasLtMatmulDescCreate(void **description, ...) { return cublasCreate_v2(description); }
int cublasLtMatrixLayoutCreate(void **layout, ...) { return cublasCreate_v2(layout); }
int cublasLtMatmulPreferenceCreate(void **preference) { return cublasCreate_v2(preference); }

struct heuristic { /* cublasLtMatmulHeuristicResult_t */
    uint64_t algorithm[8];
    size_t workspace_bytes;
    int status;
    float waves;
    int reserved[4];
};

/* One algorithm, which needs no workspace of its own. */
int cublasLtMatmulAlgoGetHeuristic(void *, void *, void *, void *, void *, void *, void *, int,
                                   struct heuristic *result, int *count)
{
    memset(result, 0, sizeof *result);
    *count = 1;
    return SUCCESS;
}

int cublasLtMatmulAlgoCheck(void *, void *, void *, void *, void *, void *, void *,
                            struct heuristic *result)
{
    memset(result, 0, sizeof *result);
    return SUCCESS;
}
