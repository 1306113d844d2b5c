package template

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// Where AWS makes things up: an account, a region, and the ARNs that follow.
const (
	tables = "arn:aws:dynamodb:us-east-1:123456789012:table/"
	stream = tables + "Erasures/stream/latest"
	queue  = "arn:aws:sqs:us-east-1:123456789012:UnworkedErasures/Arn"
)

// trusts is a role that one service alone takes on.
func trusts(service string) any {
	return map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": service},
	}}}
}

// platform is what Lambda does in a function's name. What the function does by itself is
// held against these roles, right by right, in the end-to-end tests.
func platform(function string) []string {
	group := function + "Logs"
	if slices.Contains([]string{
		"DeleteCustomerInfo", "SetTemporaryAllow", "ReadProvision", "UseTemporaryAllow", "DeleteCustomer",
		"CleanCustomerData", "IssueToken",
	}, function) {
		group = "AuditLogs"
	}
	logs := "arn:aws:logs:us-east-1:123456789012:" + group + "/Arn"
	rights := []string{"logs:CreateLogStream " + logs, "logs:PutLogEvents " + logs, "xray:PutTelemetryRecords *",
		"xray:PutTraceSegments *"}
	if function == "ContinueErasure" {
		rights = append(rights, "dynamodb:DescribeStream "+stream, "dynamodb:GetRecords "+stream,
			"dynamodb:GetShardIterator "+stream,
			"dynamodb:ListStreams "+tables+"Erasures/stream/*", "sqs:SendMessage "+queue)
	}
	slices.Sort(rights)
	return rights
}

// narrowed are the conditions of rights that do not reach all of a table.
func narrowed() map[string]any {
	conditions := map[string]any{
		"DeleteCustomerInfo UpdateItem Users": attributes("customerId", "registration", "questions", "images",
			"phrases", "devices", "tempAllows", "activeAt"),
		"SetTemporaryAllow UpdateItem Users": attributes("customerId", "tempAllows", "activeAt"),
		"UseTemporaryAllow UpdateItem Users": attributes("customerId", "tempAllows", "activeAt"),
		"Cleanup UpdateItem Users":           attributes("customerId", "tempAllows"),
		"Cleanup GetItem Rules":              keys("sweep-*"),
		"Cleanup PutItem Rules":              keys("sweep-*"),
		"IssueToken PutItem Principals":      keys("token#*"),
		// Each reads the kind of principals that call it, and its failed attempts.
		"DeleteCustomer BatchGetItem Principals":    keys("apiUser#*", "failures#*"),
		"IssueToken BatchGetItem Principals":        keys("app#*", "failures#*"),
		"AuthorizeOperator BatchGetItem Principals": keys("operator#*", "failures#*"),
		"AuthorizeApp BatchGetItem Principals":      keys("token#*", "app#*"),
		"PreviewErasures BatchGetItem Principals":   keys("operator#*", "apiUser#*", "app#*", "token#*", "failures#*"),
		"HoldErasures BatchGetItem Principals":      keys("operator#*", "apiUser#*", "app#*", "token#*", "failures#*"),
		"ReadErasures BatchGetItem Principals":      keys("operator#*", "apiUser#*", "app#*", "token#*", "failures#*"),
		// The sealer says where a statement is in the log, and changes no statement.
		"SealLedger UpdateItem Erasures": both(attributes("erasureId", "statement", "acceptedLeaf", "acceptedSealedAt",
			"endLeaf", "endSealedAt", "unlogged", "unloggedAt", "size", "root", "checkpoint", "v"), keys("erasure-*", "checkpoint")),
		// Each puts the items of its own kind of jobs.
		"DeleteCustomer PutItem Erasures":       keys("customer-*", "handover-*", "erasure-*"),
		"DeleteCustomer UpdateItem Erasures":    keys("customer-*", "erasure-*"),
		"CleanCustomerData PutItem Erasures":    keys("numbers-*", "identifiers-*", "subjects-*", "handover-*", "erasure-*"),
		"CleanCustomerData UpdateItem Erasures": keys("numbers-*"),
		"SealLedger UpdateItem Log":             attributes("part", "sealed", "size", "v"),
	}
	// those that count failed attempts
	for _, function := range []string{"DeleteCustomer", "IssueToken", "AuthorizeOperator", "ReadErasures", "PreviewErasures", "HoldErasures"} {
		conditions[function+" UpdateItem Principals"] = keys("failures#*")
	}
	// those that work on erasures end them, and delete no record
	for _, function := range []string{"ContinueErasure", "Cleanup"} {
		conditions[function+" PutItem Erasures"] = keys("customer-*", "handover-*", "erasure-*")
		conditions[function+" UpdateItem Erasures"] = keys("customer-*", "numbers-*", "erasure-*")
		conditions[function+" DeleteItem Erasures"] = keys("numbers-*", "identifiers-*", "handover-*")
		conditions[function+" PutItem Holds"] = keys("asked-*")
	}
	// and cleanup opens those that wait for the release of a hold
	conditions["Cleanup PutItem Erasures"] = keys(
		"customer-*", "numbers-*", "identifiers-*", "subjects-*", "handover-*", "erasure-*")
	// those that erase cannot put a customer
	for _, function := range []string{"DeleteCustomer", "ContinueErasure", "Cleanup"} {
		conditions[function+" PutItem Customers"] = attributes("customer", "record", "tombstone", "at")
		conditions[function+" BatchWriteItem Customers"] = attributes("customer", "record")
	}
	maps.Copy(conditions, narrowedForHolds())
	maps.Copy(conditions, narrowedForRetention())
	return conditions
}

// digesting are the functions that make digests of data subjects.
var digesting = []string{
	"DeleteCustomerInfo", "SetTemporaryAllow", "ReadProvision", "UseTemporaryAllow", "DeleteCustomer",
	"CleanCustomerData", "ReadErasures", "PreviewErasures", "HoldErasures", "ApplyRetention",
}

// Every role is one service's, with one policy of its own; a right is one action on one
// resource, once, under the condition that is listed above or none; what Lambda needs is
// there.
func TestRoles(t *testing.T) {
	conditions := narrowed()
	notFound := maps.Clone(conditions)
	byID := resources(t)
	for _, f := range functions(t) {
		function := strings.TrimSuffix(f.ID, "Function")
		role := byID[function+"Role"]
		delete(byID, role.ID)
		if got := slices.Sorted(maps.Keys(role.Properties)); !slices.Equal(got,
			[]string{"AssumeRolePolicyDocument", "Policies"}) {
			t.Errorf("%s has %v", role.ID, got)
		}
		if got := role.Properties["AssumeRolePolicyDocument"]; !reflect.DeepEqual(got, trusts("lambda.amazonaws.com")) {
			t.Errorf("%s is taken on by %v", role.ID, got)
		}
		policies, _ := role.Properties["Policies"].([]any)
		if len(policies) != 1 || at(policies, 0, "PolicyDocument", "Version") != "2012-10-17" {
			t.Errorf("%s has %d policies", role.ID, len(policies))
		}
		list, _ := at(policies, 0, "PolicyDocument", "Statement").([]any)
		var lambdas []string
		seen := map[string]bool{}
		for _, s := range list {
			statement := maps.Clone(s.(map[string]any))
			action, single := statement["Action"].(string)
			resource, one := statement["Resource"].(string)
			condition := statement["Condition"]
			effect := statement["Effect"]
			for _, known := range []string{"Action", "Resource", "Condition", "Effect"} {
				delete(statement, known)
			}
			right := action + " " + resource
			if !single || !one || effect != "Allow" || strings.Contains(action, "*") || len(statement) > 0 ||
				seen[right] {
				t.Errorf("%s: more than one action or resource, or twice: %v", role.ID, s)
			}
			seen[right] = true
			operation, isTable := strings.CutPrefix(action, "dynamodb:")
			name := function + " " + operation + " " + strings.TrimPrefix(resource, tables)
			if want := conditions[name]; !reflect.DeepEqual(condition, want) {
				t.Errorf("%s: under the condition %v, want %v", name, condition, want)
			}
			delete(notFound, name)
			own := isTable && strings.HasPrefix(resource, tables) && !strings.Contains(resource, "/stream/") ||
				action == "secretsmanager:GetSecretValue" && slices.Contains(digesting, function)
			if !own {
				lambdas = append(lambdas, right)
			}
		}
		slices.Sort(lambdas)
		if want := platform(function); !slices.Equal(lambdas, want) {
			t.Errorf("%s: besides its own work\n  %s\nwant\n  %s", role.ID, strings.Join(lambdas, "\n  "),
				strings.Join(want, "\n  "))
		}
		for _, policy := range []string{"Policies", "PermissionsBoundary", "AssumeRolePolicyDocument",
			"FunctionUrlConfig", "VpcConfig", "Layers"} {
			if f.Properties[policy] != nil {
				t.Errorf("%s has %s besides its role", f.ID, policy)
			}
		}
	}
	for name := range notFound {
		t.Errorf("there is no such right: %s", name)
	}
	logs := byID["ApiGatewayLogRole"]
	delete(byID, logs.ID)
	if want := map[string]any{ // AWS's own list for this purpose, see the template
		"AssumeRolePolicyDocument": trusts("apigateway.amazonaws.com"),
		"ManagedPolicyArns":        []any{"arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"},
	}; !reflect.DeepEqual(logs.Properties, want) {
		t.Errorf("the role of API Gateway's logs: %v", logs.Properties)
	}
	for id, r := range byID {
		if r.Type == "AWS::IAM::Role" {
			t.Errorf("whose is the role %s?", id)
		}
	}
}

// Rights can also be given elsewhere: in policies of queues, secrets and topics, in
// permissions to call a function. So only these types are in the template, and what they
// could carry is looked at.
func TestNothingElseGivesRights(t *testing.T) {
	known := []string{
		"AWS::ApiGateway::Account", "AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::DomainName",
		"AWS::WAFv2::WebACLAssociation", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::DynamoDB::Table",
		"AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::Logs::QueryDefinition",
		// TestLedgerKeyIsKeptAndNarrow and TestAlarmsKeyLetsAlarmsThrough have their
		// policies, TestRolesMayUseTheKeyThroughServicesOnly the other one.
		"AWS::KMS::Alias", "AWS::KMS::Key", "AWS::IAM::ManagedPolicy",
		"AWS::Budgets::Budget", "AWS::SNS::TopicPolicy", // TestBudget has whom it lets in
		"AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SecretsManager::Secret",
		"AWS::Serverless::Api", "AWS::Serverless::Function",
	}
	for _, r := range append(read(t, nil), read(t, rails)...) {
		id := r.ID
		if !slices.Contains(known, r.Type) {
			t.Errorf("%s is an %s: add it here, with a look at whom it lets in", id, r.Type)
		}
		if r.Properties["ResourcePolicy"] != nil ||
			at(r.Properties, "StreamSpecification", "ResourcePolicy") != nil ||
			at(r.Properties, "Auth", "ResourcePolicy") != nil {
			t.Errorf("%s has a policy of its own", id)
		}
	}
	for _, parameters := range []map[string]string{nil, {"WorkerConcurrency": "0", "SetsApiGatewayLogRole": "false"}} {
		some, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"), parameters)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range some {
			if _, always := resources(t)[r.ID]; !always {
				t.Errorf("%s is only there with %v, and no test sees it", r.ID, parameters)
			}
		}
	}
}

// may are a function's rights on tables: "PutItem Customers".
func may(t *testing.T, function string) []string {
	t.Helper()
	var rights []string
	list, _ := at(resources(t)[strings.TrimSuffix(functions(t)[function].ID, "Function")+"Role"].Properties,
		"Policies", 0, "PolicyDocument", "Statement").([]any)
	for _, s := range list {
		if table, isTable := strings.CutPrefix(fmt.Sprint(at(s, "Resource")), tables); isTable {
			rights = append(rights, strings.TrimPrefix(fmt.Sprint(at(s, "Action")), "dynamodb:")+" "+table)
		}
	}
	return rights
}

// deletes are the actions that can take an item away, and puts those that can write over
// a whole one.
var (
	deletes = []string{"DeleteItem", "BatchWriteItem", "PartiQLDelete", "DeleteTable"}
	puts    = []string{"PutItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate", "UpdateItem"}
)

// lets says whether a right reaches an item with this partition key.
func lets(t *testing.T, right any, key string) bool {
	t.Helper()
	patterns, narrow := at(right, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys").([]any)
	if !narrow || at(right, "Condition", "Null", "dynamodb:LeadingKeys") != "false" {
		return true
	}
	return slices.ContainsFunc(patterns, func(pattern any) bool {
		like, err := path.Match(pattern.(string), key)
		if err != nil {
			t.Fatal(err)
		}
		return like
	})
}

// No function but apply-retention can delete a record of an erasure: a rule of records
// lets that function take those whose statements the log has. None can delete the item
// checkpoint, with which the sealer notices a log that is not its own, and nobody but the
// sealer writes that item. Nobody deletes in the log; the sealer alone writes there, and
// signs; it and the function that answers for receipts alone read there.
func TestEvidenceIsOutOfReach(t *testing.T) {
	seen := 0
	for function, f := range functions(t) {
		role := resources(t)[strings.TrimSuffix(f.ID, "Function")+"Role"]
		list, _ := at(role.Properties, "Policies", 0, "PolicyDocument", "Statement").([]any)
		for _, right := range list {
			service, action, _ := strings.Cut(fmt.Sprint(at(right, "Action")), ":")
			table, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprint(at(right, "Resource")), tables), "/")
			is := func(actions []string) bool { return service == "dynamodb" && slices.Contains(actions, action) }
			wrong := service == "kms" // whose rights are given by the key's policy
			switch table {
			case "Erasures":
				seen++
				records := lets(t, right, "erasure-20261127T101112Z-0123456789abcdef") || lets(t, right, "erasure-key-2026")
				wrong = wrong || is(deletes) && (records && function != "apply-retention" || lets(t, right, "checkpoint")) ||
					is(puts) && function != "seal-ledger" && lets(t, right, "checkpoint")
			case "Log":
				seen++
				wrong = wrong || is(deletes) || function != "seal-ledger" &&
					(is(puts) || function != operation.ReadErasures.Name)
			}
			if wrong {
				t.Errorf("%s may %v", function, right)
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d rights on the ledger and the log are looked at", seen)
	}
}

// Who sets or uses an allow cannot delete, who reads a user cannot write; who erases
// cannot put a contact or a user; nobody but cleanup and apply-retention scans. Nobody
// deletes in the log, and nobody but the sealer writes there; the sealer deletes nothing
// at all; who holds deletes no data; who reads changes nothing but the counts of failed
// attempts.
func TestRightsAreApart(t *testing.T) {
	for function, right := range map[string]string{
		operation.SetTemporaryAllow.Name: "UpdateItem Users", operation.UseTemporaryAllow.Name: "UpdateItem Users",
		operation.ReadProvision.Name: "GetItem Users",
	} {
		if got := may(t, function); !slices.Equal(got, []string{right}) {
			t.Errorf("%s may %v", function, got)
		}
	}
	var own []string // those that only read
	for _, o := range operation.Own {
		if o.Name != operation.HoldErasures.Name {
			own = append(own, o.Name)
		}
	}
	for function := range functions(t) {
		for _, right := range may(t, function) {
			if right == "PutItem Contacts" || right == "PutItem Users" || strings.HasPrefix(right, "Scan") &&
				function+" "+right != "cleanup Scan Users" && function != "apply-retention" {
				t.Errorf("%s may %s", function, right)
			}
			action, table, _ := strings.Cut(right, " ")
			writes := !slices.Contains([]string{"GetItem", "BatchGetItem", "Query", "Scan"}, action)
			switch {
			case table == "Log" && writes && (function != "seal-ledger" || action != "PutItem" && action != "UpdateItem"),
				function == "seal-ledger" && strings.Contains(action, "Delete"),
				function == operation.HoldErasures.Name && strings.Contains(action, "Delete") && table != "Holds",
				slices.Contains(own, function) && writes && right != "UpdateItem Principals":
				t.Errorf("%s may %s", function, right)
			}
		}
	}
}
