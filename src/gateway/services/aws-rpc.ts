// AWS services that are told what to do by name (AWS JSON, AWS query, EC2 query, Smithy RPC v2), by the name that requests are signed
// for: as the service models say that AWS publishes with its SDKs. With any other one a name in a header or a form says nothing.

export const RPC_SERVICES: ReadonlySet<string> = new Set(
  `IoTSecuredTunneling acm acm-pca aco-automation airflow-serverless application-autoscaling applicationinsights apprunner appstream
  arc-region-switch athena autoscaling autoscaling-plans aws-marketplace b2bi backup-gateway bcm-dashboards bcm-data-exports
  bcm-pricing-calculator bcm-recommended-actions bedrock billing budgets cassandra ce cloud9 cloudcontrolapi cloudformation cloudhsm
  cloudsearch cloudtrail cloudwatch codebuild codecommit codeconnections codedeploy codepipeline codestar-connections cognito-identity
  cognito-idp comprehend comprehendmedical compute-optimizer config cost-optimization-hub cur datapipeline datasync dax devicefarm
  directconnect discovery dms ds dynamodb ec2 ec2-instance-connect ecr ecr-public ecs elasticache elasticbeanstalk elasticloadbalancing
  elasticmapreduce events evs firehose fms forecast frauddetector freetier fsx gamelift globalaccelerator glue health healthlake iam
  identitystore importexport inspector interconnect invoicing iotfleetwise iotthingsgraph kendra kendra-ranking kinesis kinesisanalytics
  kms license-manager lightsail logs lookoutequipment machinelearning marketplacecommerceanalytics memorydb mgh monitoring
  mturk-requester network-firewall odb organizations osm partnercentral partnercentral-account partnercentral-benefits
  partnercentral-channel partnercentral-selling payment-cryptography pcs personalize pi pricing proton rds redshift redshift-data
  redshift-serverless rekognition route53-recovery-cluster route53domains route53resolver sagemaker sdb secretsmanager servicecatalog
  servicediscovery servicequotas ses shield sms-voice snowball sns sqs ssm ssm-contacts sso states storagegateway sts support swf tagging
  textract timestream timestream-influxdb transcribe transfer translate verifiedpermissions voiceid waf waf-regional wafv2 workmail
  workspaces workspaces-instances`.split(/\s+/),
)
