package template

import (
	"encoding/json"
	"reflect"
	"testing"

	"customercare/infra/local/kms"
	"customercare/infra/local/template"
)

// encrypted says, by type, with what a resource is encrypted under KmsKeyArn, or without
// it.
var encrypted = map[string]func(p map[string]any, key any) (got, want any){
	"AWS::DynamoDB::Table": func(p map[string]any, key any) (any, any) {
		if key == nil {
			return p["SSESpecification"], map[string]any{"SSEEnabled": true}
		}
		return p["SSESpecification"], map[string]any{"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": key}
	},
	"AWS::SQS::Queue": func(p map[string]any, key any) (any, any) {
		if key == nil {
			return []any{p["KmsMasterKeyId"], p["SqsManagedSseEnabled"]}, []any{nil, true}
		}
		return []any{p["KmsMasterKeyId"], p["SqsManagedSseEnabled"]}, []any{key, nil} // both are refused
	},
	"AWS::SNS::Topic": func(p map[string]any, key any) (any, any) {
		if key == nil {
			key = kms.ID("AlarmsKey")
		}
		return p["KmsMasterKeyId"], key
	},
	"AWS::Logs::LogGroup":         func(p map[string]any, key any) (any, any) { return p["KmsKeyId"], key },
	"AWS::SecretsManager::Secret": func(p map[string]any, key any) (any, any) { return p["KmsKeyId"], key },
	"AWS::Serverless::Function":   func(p map[string]any, key any) (any, any) { return p["KmsKeyArn"], key },
}

// All that holds data, logs or messages is encrypted with the key that is given. Without
// one it is encrypted, too.
func TestEverythingHasTheKey(t *testing.T) {
	for _, parameters := range []map[string]string{nil, rails} {
		var key any
		if parameters != nil {
			key = parameters["KmsKeyArn"]
		}
		seen, own := map[string]bool{}, false
		for _, r := range read(t, parameters) {
			own = own || r.ID == "AlarmsKey"
			with, is := encrypted[r.Type]
			if !is {
				continue
			}
			seen[r.Type] = true
			if got, want := with(r.Properties, key); !reflect.DeepEqual(got, want) {
				t.Errorf("%s is encrypted with %v, want %v", r.ID, got, want)
			}
		}
		if len(seen) != len(encrypted) {
			t.Errorf("only %v are looked at", seen)
		}
		if own != (key == nil) {
			t.Errorf("with the key %v the stack makes one of its own: %t", key, own)
		}
	}
}

// statements are those of a role's policy.
func statements(r template.Resource) []any {
	list, _ := at(r.Properties, "Policies", 0, "PolicyDocument", "Statement").([]any)
	return list
}

// With the key a function may decrypt through services what they hold, and the one that
// sends to the queue may have it encrypted. Nothing else of a role is another one, and
// its policy is not too long for IAM.
func TestRolesMayUseTheKeyThroughServicesOnly(t *testing.T) {
	through := func(action, services string) any {
		return map[string]any{"Effect": "Allow", "Action": action, "Resource": rails["KmsKeyArn"],
			"Condition": map[string]any{"StringLike": map[string]any{"kms:ViaService": services}}}
	}
	with := map[string]template.Resource{}
	for _, r := range read(t, rails) {
		with[r.ID] = r
	}
	for _, r := range read(t, nil) {
		if r.Type != "AWS::IAM::Role" || r.Properties["Policies"] == nil {
			continue
		}
		want := statements(r)
		for _, s := range statements(with[r.ID]) {
			if len(want) > 0 && reflect.DeepEqual(s, want[0]) {
				want = want[1:]
				continue
			}
			if !reflect.DeepEqual(s, through("kms:Decrypt", "*.us-east-1.amazonaws.com")) &&
				(r.ID != "ContinueErasureRole" || !reflect.DeepEqual(s, through("kms:GenerateDataKey", "sqs.us-east-1.amazonaws.com"))) {
				t.Errorf("%s may with the key: %v", r.ID, s)
			}
		}
		more := 1
		if r.ID == "ContinueErasureRole" {
			more = 2
		}
		if len(want) > 0 || len(statements(with[r.ID])) != len(statements(r))+more {
			t.Errorf("%s has %d statements without the key, and %d with it", r.ID, len(statements(r)),
				len(statements(with[r.ID])))
		}
		policy, err := json.Marshal(at(with[r.ID].Properties, "Policies", 0, "PolicyDocument"))
		if err != nil || len(policy) > 10_240 { // IAM's bound for the policies in a role
			t.Errorf("%s has a policy of %d bytes, %v", r.ID, len(policy), err)
		}
	}
}

// The key of the topics is the account's, and besides it only what tells alarms uses it.
// Budgets are named only where there is one.
func TestAlarmsKeyLetsAlarmsThrough(t *testing.T) {
	key := resources(t)["AlarmsKey"]
	want := []any{
		map[string]any{"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::123456789012:root"},
			"Action": "kms:*", "Resource": "*"},
		map[string]any{"Effect": "Allow", "Principal": map[string]any{"Service": []any{"cloudwatch.amazonaws.com"}},
			"Action": []any{"kms:Decrypt", "kms:GenerateDataKey*"}, "Resource": "*"},
	}
	if got := at(key.Properties, "KeyPolicy", "Statement"); !reflect.DeepEqual(got, want) ||
		key.Properties["EnableKeyRotation"] != true || key.Type != "AWS::KMS::Key" {
		t.Errorf("%v\nwant %v", key, want)
	}
	for _, r := range read(t, map[string]string{"MonthlyBudget": "1"}) {
		services := at(r.Properties, "KeyPolicy", "Statement", 1, "Principal", "Service")
		if want := []any{"cloudwatch.amazonaws.com", "budgets.amazonaws.com"}; r.ID == "AlarmsKey" &&
			!reflect.DeepEqual(services, want) {
			t.Errorf("with a budget %v use the key, want %v", services, want)
		}
	}
}
