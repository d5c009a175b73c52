/* cudaDeviceProp, field by field, and what is known of the card put into it.

   This file has no guard: properties.c includes it once for each layout, with PROPERTIES the name
   of the structure, FILL that of the function, and UNTIL_12(...) keeping or dropping the fields
   that CUDA 13 has no more. Names are NVIDIA's, of driver_types.h. */

struct PROPERTIES {
    char name[256], uuid[16], luid[8];
    unsigned luidDeviceNodeMask;
    size_t totalGlobalMem, sharedMemPerBlock;
    int regsPerBlock, warpSize;
    size_t memPitch;
    int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
    UNTIL_12(int clockRate;)
    size_t totalConstMem;
    int major, minor;
    size_t textureAlignment, texturePitchAlignment;
    UNTIL_12(int deviceOverlap;)
    int multiProcessorCount;
    UNTIL_12(int kernelExecTimeoutEnabled;)
    int integrated, canMapHostMemory;
    UNTIL_12(int computeMode;)
    int maxTexture1D, maxTexture1DMipmap;
    UNTIL_12(int maxTexture1DLinear;)
    int maxTexture2D[2], maxTexture2DMipmap[2], maxTexture2DLinear[3], maxTexture2DGather[2];
    int maxTexture3D[3], maxTexture3DAlt[3], maxTextureCubemap, maxTexture1DLayered[2];
    int maxTexture2DLayered[3], maxTextureCubemapLayered[2], maxSurface1D, maxSurface2D[2];
    int maxSurface3D[3], maxSurface1DLayered[2], maxSurface2DLayered[3], maxSurfaceCubemap;
    int maxSurfaceCubemapLayered[2];
    size_t surfaceAlignment;
    int concurrentKernels, ECCEnabled, pciBusID, pciDeviceID, pciDomainID, tccDriver;
    int asyncEngineCount, unifiedAddressing;
    UNTIL_12(int memoryClockRate;)
    int memoryBusWidth, l2CacheSize, persistingL2CacheMaxSize, maxThreadsPerMultiProcessor;
    int streamPrioritiesSupported, globalL1CacheSupported, localL1CacheSupported;
    size_t sharedMemPerMultiprocessor;
    int regsPerMultiprocessor, managedMemory, isMultiGpuBoard, multiGpuBoardGroupID;
    int hostNativeAtomicSupported;
    UNTIL_12(int singleToDoublePrecisionPerfRatio;)
    int pageableMemoryAccess, concurrentManagedAccess, computePreemptionSupported;
    int canUseHostPointerForRegisteredMem, cooperativeLaunch;
    UNTIL_12(int cooperativeMultiDeviceLaunch;)
    size_t sharedMemPerBlockOptin;
    int pageableMemoryAccessUsesHostPageTables, directManagedMemAccessFromHost;
    int maxBlocksPerMultiProcessor, accessPolicyMaxWindowSize;
    size_t reservedSharedMemPerBlock;
    int hostRegisterSupported, sparseCudaArraySupported, hostRegisterReadOnlySupported;
    int timelineSemaphoreInteropSupported, memoryPoolsSupported, gpuDirectRDMASupported;
    unsigned gpuDirectRDMAFlushWritesOptions;
    int gpuDirectRDMAWritesOrdering;
    unsigned memoryPoolSupportedHandleTypes;
    int deferredMappingCudaArraySupported, ipcEventSupported, clusterLaunch;
    int unifiedFunctionPointers;
    int reserved[63]; /* and what CUDA 13 made of some of them */
};

static void FILL(struct PROPERTIES *to, int device)
{
    const struct card *from = card();
    const struct architecture *architecture = from->architecture;
    *to = (struct PROPERTIES){
        .totalGlobalMem = from->total_bytes,
        .sharedMemPerBlock = BLOCK_SHARED_BYTES,
        .regsPerBlock = REGISTERS,
        .warpSize = WARP,
        .memPitch = INT32_MAX,
        .maxThreadsPerBlock = BLOCK_THREADS,
        .maxThreadsDim = {BLOCK_THREADS, BLOCK_THREADS, BLOCK_DEPTH},
        .maxGridSize = {INT32_MAX, GRID, GRID},
        UNTIL_12(.clockRate = architecture->clock_khz,)
        .totalConstMem = 65536,
        .major = architecture->capability / 10,
        .minor = architecture->capability % 10,
        .textureAlignment = 512,
        .texturePitchAlignment = 32,
        .multiProcessorCount = from->multiprocessors,
        .concurrentKernels = 1,
        .pciBusID = bus_of(device),
        .asyncEngineCount = 2,
        .unifiedAddressing = 1,
        UNTIL_12(.memoryClockRate = architecture->memory_clock_khz,)
        .memoryBusWidth = architecture->memory_bus_bits,
        .l2CacheSize = architecture->l2_bytes,
        .maxThreadsPerMultiProcessor = architecture->threads,
        .streamPrioritiesSupported = 1,
        .sharedMemPerMultiprocessor = architecture->shared_bytes,
        .regsPerMultiprocessor = REGISTERS,
        .cooperativeLaunch = 1,
        .sharedMemPerBlockOptin = architecture->block_shared_bytes,
        .maxBlocksPerMultiProcessor = architecture->blocks,
        .reservedSharedMemPerBlock = architecture->reserved_bytes,
        .memoryPoolsSupported = 1,
    };
    memcpy(to->name, from->name, sizeof to->name);
    uuid_of(device, to->uuid);
}

#undef PROPERTIES
#undef FILL
#undef UNTIL_12
