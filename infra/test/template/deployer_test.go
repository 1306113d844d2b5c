package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// handled says, by the type of a resource, which rights CloudFormation uses of whoever
// deploys to make it, to change it, and to take it away where the stack does not keep it.
var handled = map[string]string{
	"AWS::ApiGateway::Account":         "apigateway: PATCH GET; iam: PassRole",
	"AWS::ApiGateway::BasePathMapping": "apigateway: POST GET PATCH DELETE",
	"AWS::ApiGateway::Deployment":      "apigateway: POST GET PATCH DELETE",
	"AWS::ApiGateway::DomainName":      "apigateway: POST GET PATCH DELETE PUT AddCertificateToDomain RemoveCertificateFromDomain; iam: CreateServiceLinkedRole",
	"AWS::ApiGateway::RestApi":         "apigateway: POST GET PUT PATCH DELETE",
	"AWS::ApiGateway::Stage": "apigateway: POST GET PUT PATCH DELETE; logs: CreateLogDelivery GetLogDelivery UpdateLogDelivery " +
		"DeleteLogDelivery ListLogDeliveries PutResourcePolicy DescribeResourcePolicies",
	"AWS::Budgets::Budget":       "budgets: ModifyBudget ViewBudget TagResource UntagResource ListTagsForResource",
	"AWS::CloudWatch::Alarm":     "cloudwatch: PutMetricAlarm DescribeAlarms DeleteAlarms TagResource UntagResource ListTagsForResource",
	"AWS::CloudWatch::Dashboard": "cloudwatch: PutDashboard GetDashboard DeleteDashboards",
	"AWS::CodeDeploy::Application": "codedeploy: CreateApplication GetApplication UpdateApplication DeleteApplication TagResource " +
		"UntagResource ListTagsForResource",
	"AWS::CodeDeploy::DeploymentGroup": "codedeploy: CreateDeploymentGroup GetDeploymentGroup UpdateDeploymentGroup " +
		"DeleteDeploymentGroup; iam: PassRole",
	"AWS::DynamoDB::Table": "dynamodb: CreateTable DescribeTable UpdateTable UpdateTimeToLive DescribeTimeToLive " +
		"UpdateContinuousBackups DescribeContinuousBackups DescribeContributorInsights DescribeKinesisStreamingDestination " +
		"GetResourcePolicy TagResource UntagResource ListTagsOfResource; " +
		"kms: CreateGrant DescribeKey Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext",
	"AWS::Events::Rule": "events: PutRule DescribeRule DeleteRule PutTargets RemoveTargets TagResource UntagResource ListTagsForResource",
	"AWS::IAM::ManagedPolicy": "iam: CreatePolicy GetPolicy GetPolicyVersion CreatePolicyVersion DeletePolicyVersion " +
		"ListPolicyVersions DeletePolicy TagPolicy UntagPolicy",
	"AWS::IAM::Role": "iam: CreateRole GetRole UpdateRole UpdateAssumeRolePolicy DeleteRole PutRolePolicy GetRolePolicy DeleteRolePolicy " +
		"ListRolePolicies AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies PutRolePermissionsBoundary " +
		"DeleteRolePermissionsBoundary TagRole UntagRole",
	"AWS::KMS::Alias": "kms: CreateAlias UpdateAlias DeleteAlias ListAliases",
	"AWS::KMS::Key": "kms: CreateKey DescribeKey PutKeyPolicy GetKeyPolicy EnableKeyRotation GetKeyRotationStatus UpdateKeyDescription " +
		"TagResource UntagResource ListResourceTags",
	// It shifts where CodeDeploy does.
	"AWS::Lambda::Alias": "lambda: CreateAlias GetAlias UpdateAlias DeleteAlias; codedeploy: CreateDeployment GetDeployment " +
		"GetDeploymentConfig GetApplicationRevision RegisterApplicationRevision StopDeployment",
	"AWS::Lambda::EventInvokeConfig": "lambda: PutFunctionEventInvokeConfig GetFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig " +
		"DeleteFunctionEventInvokeConfig",
	"AWS::Lambda::EventSourceMapping": "lambda: CreateEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping",
	"AWS::Lambda::Function": "lambda: CreateFunction GetFunction GetFunctionCodeSigningConfig GetRuntimeManagementConfig " +
		"GetFunctionRecursionConfig UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction PutFunctionConcurrency " +
		"DeleteFunctionConcurrency TagResource UntagResource ListTags; iam: PassRole; s3: GetObject; kms: Encrypt Decrypt CreateGrant",
	"AWS::Lambda::Permission": "lambda: AddPermission GetPolicy RemovePermission",
	"AWS::Lambda::Version":    "lambda: PublishVersion GetFunctionConfiguration GetProvisionedConcurrencyConfig ListVersionsByFunction DeleteFunction",
	"AWS::Logs::LogGroup": "logs: CreateLogGroup DescribeLogGroups DescribeIndexPolicies GetDataProtectionPolicy PutRetentionPolicy " +
		"DeleteLogGroup AssociateKmsKey DisassociateKmsKey TagResource UntagResource ListTagsForResource",
	"AWS::Logs::QueryDefinition": "logs: PutQueryDefinition DescribeQueryDefinitions DeleteQueryDefinition",
	"AWS::SNS::Subscription":     "sns: Subscribe Unsubscribe GetSubscriptionAttributes SetSubscriptionAttributes",
	"AWS::SNS::Topic": "sns: CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic GetDataProtectionPolicy ListSubscriptionsByTopic " +
		"TagResource UntagResource ListTagsForResource",
	"AWS::SNS::TopicPolicy": "sns: SetTopicAttributes",
	"AWS::SQS::Queue":       "sqs: CreateQueue GetQueueAttributes GetQueueUrl SetQueueAttributes DeleteQueue TagQueue UntagQueue ListQueueTags",
	"AWS::SecretsManager::Secret": "secretsmanager: CreateSecret GetRandomPassword DescribeSecret UpdateSecret TagResource UntagResource; " +
		"kms: GenerateDataKey Decrypt",
	"AWS::WAFv2::WebACLAssociation": "wafv2: AssociateWebACL GetWebACL GetWebACLForResource DisassociateWebACL; apigateway: SetWebACL",
}

// ofSAM is what `sam deploy` uses itself, with a change set and a bucket of its own, and
// what brings a stack out of UPDATE_ROLLBACK_FAILED.
const ofSAM = "cloudformation: ContinueUpdateRollback CreateChangeSet DescribeChangeSet ExecuteChangeSet DeleteChangeSet ListChangeSets DescribeStacks " +
	"DescribeStackEvents ListStackResources GetTemplate GetTemplateSummary; s3: CreateBucket GetBucketLocation ListBucket PutObject GetObject " +
	"PutBucketPolicy GetBucketPolicy PutBucketVersioning PutBucketTagging PutBucketPublicAccessBlock PutEncryptionConfiguration"

// bySAM says what SAM makes of a resource of its own types.
var bySAM = map[string][]string{
	"AWS::Serverless::Api": {"AWS::ApiGateway::RestApi", "AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage", "AWS::Lambda::Permission"},
	"AWS::Serverless::Function": {"AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::Alias", "AWS::Lambda::Version",
		"AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig", "AWS::Events::Rule", "AWS::CodeDeploy::Application",
		"AWS::CodeDeploy::DeploymentGroup"},
}

// rights reads "service: One Two; other: Three".
func rights(text string) (all []string) {
	for _, part := range strings.Split(text, "; ") {
		service, names, _ := strings.Cut(part, ": ")
		for _, name := range strings.Fields(names) {
			all = append(all, service+":"+name)
		}
	}
	return all
}

// statement is one of a policy.
type statement struct {
	Effect   string
	Action   []string
	Resource any
}

// statements reads a policy.
func statements(t *testing.T, policy string) []statement {
	t.Helper()
	var read struct{ Statement []statement }
	if err := json.Unmarshal([]byte(policy), &read); err != nil {
		t.Fatal(err)
	}
	return read.Statement
}

// deployer reads the actions of docs/deployer.json.
func deployer(t *testing.T) (actions []string) {
	t.Helper()
	denied := ""
	for _, s := range statements(t, text(t, "docs/deployer.json")) {
		if s.Effect == "Allow" {
			actions = append(actions, s.Action...)
		} else {
			denied += fmt.Sprintln(s.Effect, s.Action, s.Resource)
		}
	}
	if want := "Deny [logs:DeleteLogGroup] arn:aws:logs:REGION:ACCOUNT:log-group:/customercare/STACK/audit*\n"; denied != want {
		t.Errorf("denied is %q, want %q: the audit outlives its stack", denied, want)
	}
	return actions
}

// matches says whether an action of a policy, which may have stars, is this one.
func matches(action, one string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(action), `\*`, ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(one)
}

// Whoever deploys has a right to all that the stack is made of: a resource of a new type
// fails until handled says what it takes and docs/deployer.json has that. There is no
// right too many, and none to what the stack keeps: data, secret, keys.
func TestDeployer(t *testing.T) {
	types := map[string]bool{}
	for _, r := range read(t, rails) {
		types[r.Type] = true
	}
	for _, r := range read(t, nil) {
		types[r.Type] = true
	}
	for kind := range maps.Clone(types) {
		for _, made := range bySAM[kind] {
			types[made] = true
		}
		if bySAM[kind] != nil {
			delete(types, kind)
		}
	}
	actions, wanted := deployer(t), rights(ofSAM)
	for kind := range types {
		if handled[kind] == "" {
			t.Errorf("the stack has an %s: which rights does it take to deploy one?", kind)
		}
		wanted = append(wanted, rights(handled[kind])...)
	}
	for kind := range handled {
		if !types[kind] {
			t.Errorf("the stack has no %s", kind)
		}
	}
	for _, right := range wanted {
		if !slices.ContainsFunc(actions, func(action string) bool { return matches(action, right) }) {
			t.Errorf("docs/deployer.json lacks %s", right)
		}
	}
	for _, action := range actions {
		if !slices.ContainsFunc(wanted, func(right string) bool { return matches(action, right) }) {
			t.Errorf("docs/deployer.json has %s, which nothing needs", action)
		}
		for _, never := range []string{"dynamodb:DeleteTable", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem",
			"secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:Sign",
			"lambda:InvokeFunction", "sqs:ReceiveMessage", "sqs:PurgeQueue", "logs:GetQueryResults", "logs:FilterLogEvents", "iam:CreateUser"} {
			if matches(action, never) {
				t.Errorf("docs/deployer.json: %s lets %s", action, never)
			}
		}
	}
}

// permits says whether the policy of a stack lets an action on a resource.
func permits(t *testing.T, policy, action, resource string) (allowed bool) {
	t.Helper()
	for _, s := range statements(t, policy) {
		on, several := s.Resource.([]any)
		if !several {
			on = []any{s.Resource}
		}
		if s.Effect == "Allow" && slices.ContainsFunc(s.Action, func(a string) bool { return matches(a, action) }) &&
			slices.ContainsFunc(on, func(r any) bool { return matches(fmt.Sprint(r), resource) }) {
			allowed = true
		}
	}
	return allowed
}

// The policy of a stack, written as docs/rails.md says: a right counts on the resource
// that AWS asks about, which has a name, is another than its type's, or is none ("*").
func TestDeployerOfAStack(t *testing.T) {
	const key = "arn:aws:kms:us-east-1:123456789012:key/0d1e2f30-1111-2222-3333-444455556666"
	of := func(stack string) string {
		return strings.NewReplacer("REGION", "us-east-1", "ACCOUNT", "123456789012", "STACK", stack, "KMS-KEY-ARN", key).
			Replace(text(t, "docs/deployer.json"))
	}
	budget := strings.NewReplacer("${AWS::StackName}", "care", "${AWS::Region}", "us-east-1").Replace(
		regexp.MustCompile(`BudgetName: !Sub "([^"]*)"`).FindStringSubmatch(text(t, "template.yaml"))[1])
	for _, right := range [][2]string{
		{"budgets:ModifyBudget", "arn:aws:budgets::123456789012:budget/" + budget},
		{"lambda:TagResource", "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:0d1e2f30"},
		{"codedeploy:ListTagsForResource", "arn:aws:codedeploy:us-east-1::application:care-application"}, // without an account
		{"codedeploy:CreateDeployment", "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:care-application/care-group"},
		{"iam:CreateServiceLinkedRole", "arn:aws:iam::123456789012:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway"},
		{"kms:DescribeKey", key}, {"kms:ListAliases", "*"}, {"cloudwatch:DescribeAlarms", "*"},
		{"logs:DescribeQueryDefinitions", "*"}, {"logs:PutQueryDefinition", "*"}, {"logs:DeleteQueryDefinition", "*"},
	} {
		if !permits(t, of("care"), right[0], right[1]) {
			t.Errorf("docs/deployer.json does not let %s on %s", right[0], right[1])
		}
	}
	if permits(t, of("care"), "lambda:TagResource", "arn:aws:lambda:us-east-1:123456789012:function:other-function") {
		t.Error("docs/deployer.json lets tag a function of another stack")
	}
	// IAM counts no blanks, and takes so many characters of all policies within a role.
	var policy any
	if err := json.Unmarshal([]byte(of(strings.Repeat("s", 128))), &policy); err != nil {
		t.Fatal(err)
	}
	if short, _ := json.Marshal(policy); len(short) > 10240 {
		t.Errorf("the policy has %d characters, at most 10240 are taken", len(short))
	}
}

// What bySAM says is what SAM makes.
func TestSAMMakesTheseTypes(t *testing.T) {
	made := map[string]bool{}
	for _, r := range translated(t, rails) {
		made[fmt.Sprint(at(r, "Type"))] = true
	}
	if want := slices.Sorted(maps.Keys(handled)); !slices.Equal(slices.Sorted(maps.Keys(made)), want) {
		t.Errorf("SAM makes %q, the rights are about %q", slices.Sorted(maps.Keys(made)), want)
	}
}
