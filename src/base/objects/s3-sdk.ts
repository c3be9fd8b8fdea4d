/** The SDK takes a while and a good deal of memory to load: only who has an S3 store pays for it. */
export const loadS3Sdk = () => import('@aws-sdk/client-s3')

export type S3Sdk = Awaited<ReturnType<typeof loadS3Sdk>>
