/* Every Rust program asks Windows' bcryptprimitives.dll for random bytes. Wine has that library from
   version 8.12 on; older ones get this one, which asks the random generator that they do have. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom, in advapi32 */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    const ULONG most = 1 << 20;
    for (SIZE_T done = 0; done < length;) {
        ULONG step = length - done < most ? (ULONG)(length - done) : most;
        if (!SystemFunction036(buffer + done, step))
            return FALSE;
        done += step;
    }
    return TRUE;
}
