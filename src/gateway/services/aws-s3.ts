// Amazon S3's REST API (docs.aws.amazon.com/AmazonS3/latest/API): the action is in the method, in what is addressed, and in the subresource.
import { splitPairs, valuesOf } from "./readings.ts"
import type { SeenRequest } from "./types.ts"

/** Method, what is addressed, subresource of the query (`-` for none), action. */
const TABLE = `
  GET    service -                        ListBuckets
  DELETE bucket  -                        DeleteBucket
  GET    bucket  -                        ListObjects
  HEAD   bucket  -                        HeadBucket
  PUT    bucket  -                        CreateBucket
  GET    bucket  abac                     GetBucketAbac
  PUT    bucket  abac                     PutBucketAbac
  GET    bucket  accelerate               GetBucketAccelerateConfiguration
  PUT    bucket  accelerate               PutBucketAccelerateConfiguration
  GET    bucket  acl                      GetBucketAcl
  PUT    bucket  acl                      PutBucketAcl
  DELETE bucket  analytics                DeleteBucketAnalyticsConfiguration
  GET    bucket  analytics                GetBucketAnalyticsConfiguration
  PUT    bucket  analytics                PutBucketAnalyticsConfiguration
  DELETE bucket  cors                     DeleteBucketCors
  GET    bucket  cors                     GetBucketCors
  PUT    bucket  cors                     PutBucketCors
  POST   bucket  delete                   DeleteObjects
  DELETE bucket  encryption               DeleteBucketEncryption
  GET    bucket  encryption               GetBucketEncryption
  PUT    bucket  encryption               PutBucketEncryption
  DELETE bucket  intelligent-tiering      DeleteBucketIntelligentTieringConfiguration
  GET    bucket  intelligent-tiering      GetBucketIntelligentTieringConfiguration
  PUT    bucket  intelligent-tiering      PutBucketIntelligentTieringConfiguration
  DELETE bucket  inventory                DeleteBucketInventoryConfiguration
  GET    bucket  inventory                GetBucketInventoryConfiguration
  PUT    bucket  inventory                PutBucketInventoryConfiguration
  DELETE bucket  lifecycle                DeleteBucketLifecycle
  GET    bucket  lifecycle                GetBucketLifecycleConfiguration
  PUT    bucket  lifecycle                PutBucketLifecycleConfiguration
  GET    bucket  location                 GetBucketLocation
  GET    bucket  logging                  GetBucketLogging
  PUT    bucket  logging                  PutBucketLogging
  PUT    bucket  metadataAnnotationTable  UpdateBucketMetadataAnnotationTableConfiguration
  DELETE bucket  metadataConfiguration    DeleteBucketMetadataConfiguration
  GET    bucket  metadataConfiguration    GetBucketMetadataConfiguration
  POST   bucket  metadataConfiguration    CreateBucketMetadataConfiguration
  PUT    bucket  metadataInventoryTable   UpdateBucketMetadataInventoryTableConfiguration
  PUT    bucket  metadataJournalTable     UpdateBucketMetadataJournalTableConfiguration
  DELETE bucket  metadataTable            DeleteBucketMetadataTableConfiguration
  GET    bucket  metadataTable            GetBucketMetadataTableConfiguration
  POST   bucket  metadataTable            CreateBucketMetadataTableConfiguration
  DELETE bucket  metrics                  DeleteBucketMetricsConfiguration
  GET    bucket  metrics                  GetBucketMetricsConfiguration
  PUT    bucket  metrics                  PutBucketMetricsConfiguration
  GET    bucket  notification             GetBucketNotificationConfiguration
  PUT    bucket  notification             PutBucketNotificationConfiguration
  GET    bucket  object-lock              GetObjectLockConfiguration
  PUT    bucket  object-lock              PutObjectLockConfiguration
  DELETE bucket  ownershipControls        DeleteBucketOwnershipControls
  GET    bucket  ownershipControls        GetBucketOwnershipControls
  PUT    bucket  ownershipControls        PutBucketOwnershipControls
  DELETE bucket  policy                   DeleteBucketPolicy
  GET    bucket  policy                   GetBucketPolicy
  PUT    bucket  policy                   PutBucketPolicy
  GET    bucket  policyStatus             GetBucketPolicyStatus
  DELETE bucket  publicAccessBlock        DeletePublicAccessBlock
  GET    bucket  publicAccessBlock        GetPublicAccessBlock
  PUT    bucket  publicAccessBlock        PutPublicAccessBlock
  DELETE bucket  replication              DeleteBucketReplication
  GET    bucket  replication              GetBucketReplication
  PUT    bucket  replication              PutBucketReplication
  GET    bucket  requestPayment           GetBucketRequestPayment
  PUT    bucket  requestPayment           PutBucketRequestPayment
  GET    bucket  session                  CreateSession
  DELETE bucket  tagging                  DeleteBucketTagging
  GET    bucket  tagging                  GetBucketTagging
  PUT    bucket  tagging                  PutBucketTagging
  GET    bucket  uploads                  ListMultipartUploads
  GET    bucket  versioning               GetBucketVersioning
  PUT    bucket  versioning               PutBucketVersioning
  GET    bucket  versions                 ListObjectVersions
  DELETE bucket  website                  DeleteBucketWebsite
  GET    bucket  website                  GetBucketWebsite
  PUT    bucket  website                  PutBucketWebsite
  DELETE object  -                        DeleteObject
  GET    object  -                        GetObject
  HEAD   object  -                        HeadObject
  PUT    object  -                        PutObject
  GET    object  acl                      GetObjectAcl
  PUT    object  acl                      PutObjectAcl
  DELETE object  annotation               DeleteObjectAnnotation
  GET    object  annotation               GetObjectAnnotation
  PUT    object  annotation               PutObjectAnnotation
  GET    object  attributes               GetObjectAttributes
  PUT    object  encryption               UpdateObjectEncryption
  GET    object  legal-hold               GetObjectLegalHold
  PUT    object  legal-hold               PutObjectLegalHold
  PUT    object  renameObject             RenameObject
  POST   object  restore                  RestoreObject
  GET    object  retention                GetObjectRetention
  PUT    object  retention                PutObjectRetention
  POST   object  select                   SelectObjectContent
  DELETE object  tagging                  DeleteObjectTagging
  GET    object  tagging                  GetObjectTagging
  PUT    object  tagging                  PutObjectTagging
  GET    object  torrent                  GetObjectTorrent
  POST   object  uploads                  CreateMultipartUpload
  GET    object  uploadId                 ListParts
  PUT    object  uploadId                 UploadPart
  POST   object  uploadId                 CompleteMultipartUpload
  DELETE object  uploadId                 AbortMultipartUpload
  POST   bucket  -                        PostObject
`

export interface S3Row {
  method: string
  level: string
  subresource: string
  action: string
}

export const S3_ROWS: readonly S3Row[] = TABLE.trim()
  .split("\n")
  .map((line) => {
    const [method = "", level = "", subresource = "", action = ""] = line.trim().split(/\s+/)
    return { method, level, subresource, action }
  })

const ACTIONS = new Map(S3_ROWS.map((row) => [`${row.method} ${row.level} ${row.subresource}`, row.action]))
const SUBRESOURCES = [...new Set(S3_ROWS.map((row) => row.subresource).filter((name) => name !== "-"))]

/** `bucket.s3.eu-west-1.amazonaws.com`, and the accelerated, dual-stack, access point and directory bucket forms. */
const VIRTUAL =
  /^.+\.(s3|s3-accelerate|s3-accesspoint|s3express-[a-z0-9-]+|s3-[a-z]+-[a-z]+-\d)(-fips)?\.(dualstack\.)?([a-z0-9-]+\.)?amazonaws\.com(\.cn)?$/

/** What is addressed: bucket and key as the request has them; S3 Control and other hosts are none of it. */
export function readS3Target(seen: SeenRequest): { bucket: string; key: string } | undefined {
  if (/(^|\.)s3-(control|outposts|object-lambda)\./.test(seen.host)) return undefined
  const path = seen.path.slice(1)
  if (VIRTUAL.test(seen.host)) return { bucket: seen.host.split(/\.s3[.-]|\.s3express-/)[0] ?? "", key: path }
  const slash = path.indexOf("/")
  return slash < 0 ? { bucket: path, key: "" } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) }
}

/** The action of a request; "" where it is none that is known, "ambiguous" where it names two. */
export function s3Action(seen: SeenRequest): string {
  const target = readS3Target(seen)
  if (!target) return ""
  const level = target.key !== "" ? "object" : target.bucket !== "" ? "bucket" : "service"
  const pairs = splitPairs(seen.query) ?? []
  const named = SUBRESOURCES.filter((name) => valuesOf(pairs, name, "either").length > 0)
  const head = seen.method === "HEAD" && !ACTIONS.has(`HEAD ${level} ${named[0] ?? "-"}`) ? "GET" : seen.method
  if (named.length > 1) return "ambiguous"
  const action = ACTIONS.get(`${head} ${level} ${named[0] ?? "-"}`) ?? ""
  if (seen.headers["x-amz-copy-source"] === undefined) return action
  return action === "PutObject" ? "CopyObject" : action === "UploadPart" ? "UploadPartCopy" : action
}
