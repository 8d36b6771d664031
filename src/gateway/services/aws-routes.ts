// REST requests of AWS services, as their API references have them (docs.aws.amazon.com); by the name that requests are signed for.
import { type Routes, readRoutes } from "./routes.ts"

const lambda = readRoutes(`
  POST   /2014-11-13/functions/{function_name}/invoke-async                               InvokeAsync
  POST   /2015-03-31/event-source-mappings                                                CreateEventSourceMapping
  GET    /2015-03-31/event-source-mappings                                                ListEventSourceMappings
  DELETE /2015-03-31/event-source-mappings/{uuid}                                         DeleteEventSourceMapping
  GET    /2015-03-31/event-source-mappings/{uuid}                                         GetEventSourceMapping
  PUT    /2015-03-31/event-source-mappings/{uuid}                                         UpdateEventSourceMapping
  POST   /2015-03-31/functions                                                            CreateFunction  a function
  GET    /2015-03-31/functions                                                            ListFunctions
  DELETE /2015-03-31/functions/{function_name}                                            DeleteFunction  function {function_name}
  GET    /2015-03-31/functions/{function_name}                                            GetFunction
  POST   /2015-03-31/functions/{function_name}/aliases                                    CreateAlias
  GET    /2015-03-31/functions/{function_name}/aliases                                    ListAliases
  DELETE /2015-03-31/functions/{function_name}/aliases/{name}                             DeleteAlias
  GET    /2015-03-31/functions/{function_name}/aliases/{name}                             GetAlias
  PUT    /2015-03-31/functions/{function_name}/aliases/{name}                             UpdateAlias
  PUT    /2015-03-31/functions/{function_name}/code                                       UpdateFunctionCode  code of function {function_name}
  GET    /2015-03-31/functions/{function_name}/configuration                              GetFunctionConfiguration
  PUT    /2015-03-31/functions/{function_name}/configuration                              UpdateFunctionConfiguration
  POST   /2015-03-31/functions/{function_name}/invocations                                Invoke  function {function_name}
  POST   /2015-03-31/functions/{function_name}/policy                                     AddPermission  policy of function {function_name}
  GET    /2015-03-31/functions/{function_name}/policy                                     GetPolicy
  DELETE /2015-03-31/functions/{function_name}/policy/{statement_id}                      RemovePermission
  GET    /2015-03-31/functions/{function_name}/versions                                   ListVersionsByFunction
  POST   /2015-03-31/functions/{function_name}/versions                                   PublishVersion
  GET    /2016-08-19/account-settings                                                     GetAccountSettings
  GET    /2017-03-31/tags/{resource}                                                      ListTags
  POST   /2017-03-31/tags/{resource}                                                      TagResource
  DELETE /2017-03-31/tags/{resource}                                                      UntagResource
  DELETE /2017-10-31/functions/{function_name}/concurrency                                DeleteFunctionConcurrency
  PUT    /2017-10-31/functions/{function_name}/concurrency                                PutFunctionConcurrency
  GET    /2018-10-31/layers                                                               ListLayers
  GET    /2018-10-31/layers/{layer_name}/versions                                         ListLayerVersions
  POST   /2018-10-31/layers/{layer_name}/versions                                         PublishLayerVersion
  DELETE /2018-10-31/layers/{layer_name}/versions/{version_number}                        DeleteLayerVersion
  GET    /2018-10-31/layers/{layer_name}/versions/{version_number}                        GetLayerVersion
  POST   /2018-10-31/layers/{layer_name}/versions/{version_number}/policy                 AddLayerVersionPermission
  GET    /2018-10-31/layers/{layer_name}/versions/{version_number}/policy                 GetLayerVersionPolicy
  DELETE /2018-10-31/layers/{layer_name}/versions/{version_number}/policy/{statement_id}  RemoveLayerVersionPermission
  DELETE /2019-09-25/functions/{function_name}/event-invoke-config                        DeleteFunctionEventInvokeConfig
  GET    /2019-09-25/functions/{function_name}/event-invoke-config                        GetFunctionEventInvokeConfig
  PUT    /2019-09-25/functions/{function_name}/event-invoke-config                        PutFunctionEventInvokeConfig
  POST   /2019-09-25/functions/{function_name}/event-invoke-config                        UpdateFunctionEventInvokeConfig
  GET    /2019-09-25/functions/{function_name}/event-invoke-config/list                   ListFunctionEventInvokeConfigs
  GET    /2019-09-30/functions/{function_name}/concurrency                                GetFunctionConcurrency
  DELETE /2019-09-30/functions/{function_name}/provisioned-concurrency                    DeleteProvisionedConcurrencyConfig
  GET    /2019-09-30/functions/{function_name}/provisioned-concurrency                    GetProvisionedConcurrencyConfig
  PUT    /2019-09-30/functions/{function_name}/provisioned-concurrency                    PutProvisionedConcurrencyConfig
  POST   /2020-04-22/code-signing-configs                                                 CreateCodeSigningConfig
  GET    /2020-04-22/code-signing-configs                                                 ListCodeSigningConfigs
  DELETE /2020-04-22/code-signing-configs/{code_signing_config_arn}                       DeleteCodeSigningConfig
  GET    /2020-04-22/code-signing-configs/{code_signing_config_arn}                       GetCodeSigningConfig
  PUT    /2020-04-22/code-signing-configs/{code_signing_config_arn}                       UpdateCodeSigningConfig
  GET    /2020-04-22/code-signing-configs/{code_signing_config_arn}/functions             ListFunctionsByCodeSigningConfig
  DELETE /2020-06-30/functions/{function_name}/code-signing-config                        DeleteFunctionCodeSigningConfig
  GET    /2020-06-30/functions/{function_name}/code-signing-config                        GetFunctionCodeSigningConfig
  PUT    /2020-06-30/functions/{function_name}/code-signing-config                        PutFunctionCodeSigningConfig
  GET    /2021-07-20/functions/{function_name}/runtime-management-config                  GetRuntimeManagementConfig
  PUT    /2021-07-20/functions/{function_name}/runtime-management-config                  PutRuntimeManagementConfig
  POST   /2021-10-31/functions/{function_name}/url                                        CreateFunctionUrlConfig
  DELETE /2021-10-31/functions/{function_name}/url                                        DeleteFunctionUrlConfig
  GET    /2021-10-31/functions/{function_name}/url                                        GetFunctionUrlConfig
  PUT    /2021-10-31/functions/{function_name}/url                                        UpdateFunctionUrlConfig
  GET    /2021-10-31/functions/{function_name}/urls                                       ListFunctionUrlConfigs
  POST   /2021-11-15/functions/{function_name}/response-streaming-invocations             InvokeWithResponseStream
  GET    /2024-08-31/functions/{function_name}/recursion-config                           GetFunctionRecursionConfig
  PUT    /2024-08-31/functions/{function_name}/recursion-config                           PutFunctionRecursionConfig
  POST   /2025-11-30/capacity-providers                                                   CreateCapacityProvider
  GET    /2025-11-30/capacity-providers                                                   ListCapacityProviders
  DELETE /2025-11-30/capacity-providers/{capacity_provider_name}                          DeleteCapacityProvider
  GET    /2025-11-30/capacity-providers/{capacity_provider_name}                          GetCapacityProvider
  PUT    /2025-11-30/capacity-providers/{capacity_provider_name}                          UpdateCapacityProvider
  GET    /2025-11-30/capacity-providers/{capacity_provider_name}/function-versions        ListFunctionVersionsByCapacityProvider
  GET    /2025-11-30/functions/{function_name}/function-scaling-config                    GetFunctionScalingConfig
  PUT    /2025-11-30/functions/{function_name}/function-scaling-config                    PutFunctionScalingConfig
  POST   /2025-12-01/durable-execution-callbacks/{callback_id}/fail                       SendDurableExecutionCallbackFailure
  POST   /2025-12-01/durable-execution-callbacks/{callback_id}/heartbeat                  SendDurableExecutionCallbackHeartbeat
  POST   /2025-12-01/durable-execution-callbacks/{callback_id}/succeed                    SendDurableExecutionCallbackSuccess
  DELETE /2025-12-01/durable-executions/{durable_execution_arn}                           DeleteDurableExecution
  GET    /2025-12-01/durable-executions/{durable_execution_arn}                           GetDurableExecution
  POST   /2025-12-01/durable-executions/{durable_execution_arn}/checkpoint                CheckpointDurableExecution
  GET    /2025-12-01/durable-executions/{durable_execution_arn}/history                   GetDurableExecutionHistory
  POST   /2025-12-01/durable-executions/{durable_execution_arn}/pause                     PauseDurableExecution
  POST   /2025-12-01/durable-executions/{durable_execution_arn}/resume                    ResumeDurableExecution
  GET    /2025-12-01/durable-executions/{durable_execution_arn}/state                     GetDurableExecutionState
  POST   /2025-12-01/durable-executions/{durable_execution_arn}/stop                      StopDurableExecution
  GET    /2025-12-01/functions/{function_name}/durable-executions                         ListDurableExecutionsByFunction
  DELETE /2026-07-09/resource-policy/{resource_arn}                                       DeleteResourcePolicy
  GET    /2026-07-09/resource-policy/{resource_arn}                                       GetResourcePolicy
  PUT    /2026-07-09/resource-policy/{resource_arn}                                       PutResourcePolicy
`)

const bedrock = readRoutes(`
  GET    /async-invoke                                                                    ListAsyncInvokes
  POST   /async-invoke                                                                    StartAsyncInvoke
  GET    /async-invoke/{invocation_arn}                                                   GetAsyncInvoke
  POST   /guardrail-checks/invoke                                                         InvokeGuardrailChecks
  POST   /guardrail/{guardrail_identifier}/version/{guardrail_version}/apply              ApplyGuardrail
  POST   /model/{model_id}/converse                                                       Converse  model {model_id}
  POST   /model/{model_id}/converse-stream                                                ConverseStream  model {model_id}
  POST   /model/{model_id}/count-tokens                                                   CountTokens
  POST   /model/{model_id}/invoke                                                         InvokeModel  model {model_id}
  POST   /model/{model_id}/invoke-with-bidirectional-stream                               InvokeModelWithBidirectionalStream
  POST   /model/{model_id}/invoke-with-response-stream                                    InvokeModelWithResponseStream  model {model_id}
`)

const ses = readRoutes(`
  POST   /v2/email/account/details                                                        PutAccountDetails
  PUT    /v2/email/account/sending                                                        PutAccountSendingAttributes
  PUT    /v2/email/configuration-sets/{configuration_set_name}/sending                    PutConfigurationSetSendingOptions
  POST   /v2/email/contact-lists/{contact_list_name}/contacts                             CreateContact
  POST   /v2/email/identities                                                             CreateEmailIdentity
  DELETE /v2/email/identities/{email_identity}                                            DeleteEmailIdentity
  GET    /v2/email/identities/{email_identity}                                            GetEmailIdentity
  POST   /v2/email/identities/{email_identity}/policies/{policy_name}                     CreateEmailIdentityPolicy
  POST   /v2/email/list-identities                                                        ListEmailIdentities
  POST   /v2/email/outbound-bulk-emails                                                   SendBulkEmail  e-mails
  POST   /v2/email/outbound-custom-verification-emails                                    SendCustomVerificationEmail
  POST   /v2/email/outbound-emails                                                        SendEmail  an e-mail
`)

const route53 = readRoutes(`
  GET    /2013-04-01/change/{id}                                                          GetChange
  POST   /2013-04-01/cidrcollection                                                       CreateCidrCollection
  POST   /2013-04-01/cidrcollection/{cidr_collection_id}                                  ChangeCidrCollection
  DELETE /2013-04-01/cidrcollection/{cidr_collection_id}                                  DeleteCidrCollection
  POST   /2013-04-01/delegationset                                                        CreateReusableDelegationSet
  DELETE /2013-04-01/delegationset/{id}                                                   DeleteReusableDelegationSet
  POST   /2013-04-01/healthcheck                                                          CreateHealthCheck
  DELETE /2013-04-01/healthcheck/{health_check_id}                                        DeleteHealthCheck
  POST   /2013-04-01/healthcheck/{health_check_id}                                        UpdateHealthCheck
  POST   /2013-04-01/hostedzone                                                           CreateHostedZone
  GET    /2013-04-01/hostedzone                                                           ListHostedZones
  DELETE /2013-04-01/hostedzone/{id}                                                      DeleteHostedZone  zone {id}
  GET    /2013-04-01/hostedzone/{id}                                                      GetHostedZone
  POST   /2013-04-01/hostedzone/{id}                                                      UpdateHostedZoneComment
  POST   /2013-04-01/hostedzone/{id}/associatevpc                                         AssociateVPCWithHostedZone
  POST   /2013-04-01/hostedzone/{id}/authorizevpcassociation                              CreateVPCAssociationAuthorization
  POST   /2013-04-01/hostedzone/{id}/deauthorizevpcassociation                            DeleteVPCAssociationAuthorization
  POST   /2013-04-01/hostedzone/{id}/disable-dnssec                                       DisableHostedZoneDNSSEC
  POST   /2013-04-01/hostedzone/{id}/disassociatevpc                                      DisassociateVPCFromHostedZone
  GET    /2013-04-01/hostedzone/{id}/dnssec                                               GetDNSSEC
  POST   /2013-04-01/hostedzone/{id}/enable-dnssec                                        EnableHostedZoneDNSSEC
  POST   /2013-04-01/hostedzone/{id}/features                                             UpdateHostedZoneFeatures
  POST   /2013-04-01/hostedzone/{id}/rrset                                                ChangeResourceRecordSets  records of zone {id}
  GET    /2013-04-01/hostedzone/{id}/rrset                                                ListResourceRecordSets
  POST   /2013-04-01/hostedzone/{id}/rrsetprotection                                      CreateResourceRecordSetProtections
  POST   /2013-04-01/hostedzone/{id}/rrsetprotection/delete                               DeleteResourceRecordSetProtections
  GET    /2013-04-01/hostedzonecount                                                      GetHostedZoneCount
  GET    /2013-04-01/hostedzonelimit/{id}/{type}                                          GetHostedZoneLimit
  GET    /2013-04-01/hostedzonesbyname                                                    ListHostedZonesByName
  GET    /2013-04-01/hostedzonesbyvpc                                                     ListHostedZonesByVPC
  POST   /2013-04-01/keysigningkey                                                        CreateKeySigningKey
  DELETE /2013-04-01/keysigningkey/{hosted_zone_id}/{name}                                DeleteKeySigningKey
  POST   /2013-04-01/queryloggingconfig                                                   CreateQueryLoggingConfig
  DELETE /2013-04-01/queryloggingconfig/{id}                                              DeleteQueryLoggingConfig
  POST   /2013-04-01/tags/{resource_type}/{resource_id}                                   ChangeTagsForResource
  POST   /2013-04-01/trafficpolicy                                                        CreateTrafficPolicy
  POST   /2013-04-01/trafficpolicy/{id}                                                   CreateTrafficPolicyVersion
  DELETE /2013-04-01/trafficpolicy/{id}/{version}                                         DeleteTrafficPolicy
  POST   /2013-04-01/trafficpolicyinstance                                                CreateTrafficPolicyInstance
  DELETE /2013-04-01/trafficpolicyinstance/{id}                                           DeleteTrafficPolicyInstance
`)

/** Addresses that are read, and yet do something: they hand out credentials, or confirm. */
const iot = readRoutes(`
  GET!   /confirmdestination/{+confirmation_token} ConfirmTopicRuleDestination
`)

const deadline = readRoutes(`
  GET!   /2023-10-12/farms/{farm_id}/fleets/{fleet_id}/read-roles                      AssumeFleetRoleForRead
  GET!   /2023-10-12/farms/{farm_id}/fleets/{fleet_id}/workers/{worker_id}/fleet-roles AssumeFleetRoleForWorker
  GET!   /2023-10-12/farms/{farm_id}/queues/{queue_id}/read-roles                      AssumeQueueRoleForRead
  GET!   /2023-10-12/farms/{farm_id}/queues/{queue_id}/user-roles                      AssumeQueueRoleForUser
  GET!   /2023-10-12/farms/{farm_id}/fleets/{fleet_id}/workers/{worker_id}/queue-roles AssumeQueueRoleForWorker
`)

/** By signing name. Whether an action reads is said by its name. */
export const AWS_ROUTES: ReadonlyMap<string, Routes> = new Map(
  Object.entries({ lambda, bedrock, ses, route53, iot, deadline }),
)
