package template

import (
	"reflect"
	"slices"
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

// With the key a function may have read what services hold under it, and cannot use it by
// itself. Only continue-erasure, whose stream sends to the queue, may have encrypted. All
// else of a role is what it is without the key.
func TestRolesMayUseTheKeyThroughServicesOnly(t *testing.T) {
	through := func(action, operator, services string) any {
		return map[string]any{"Effect": "Allow", "Action": action, "Resource": rails["KmsKeyArn"],
			"Condition": map[string]any{operator: map[string]any{"kms:ViaService": services}}}
	}
	without := map[string]template.Resource{}
	for _, r := range read(t, nil) {
		if without[r.ID] = r; r.Type == "AWS::IAM::ManagedPolicy" {
			t.Errorf("%s is there without a key", r.ID)
		}
	}
	policies := 0
	for _, r := range read(t, rails) {
		switch r.Type {
		case "AWS::IAM::ManagedPolicy":
			policies++
			want := []any{through("kms:Decrypt", "StringLike", "*.us-east-1.amazonaws.com")}
			if got := at(r.Properties, "PolicyDocument", "Statement"); !reflect.DeepEqual(got, want) ||
				len(r.Properties) != 2 {
				t.Errorf("%s lets\n%v\nwant\n%v", r.ID, r.Properties, want)
			}
		case "AWS::IAM::Role":
			before := without[r.ID].Properties
			if r.Properties["Policies"] == nil || r.ID == "CodeDeployRole" { // API Gateway's, CodeDeploy's: they touch no data
				continue
			}
			policies := before["Policies"]
			if statements, is := at(policies, 0, "PolicyDocument", "Statement").([]any); is && r.ID == "ContinueErasureRole" {
				send := slices.IndexFunc(statements, func(s any) bool { return at(s, "Action") == "sqs:SendMessage" })
				at(policies, 0, "PolicyDocument").(map[string]any)["Statement"] = slices.Insert(statements, send+1,
					through("kms:GenerateDataKey", "StringEquals", "sqs.us-east-1.amazonaws.com"))
			}
			if !reflect.DeepEqual(r.Properties["Policies"], policies) || before["ManagedPolicyArns"] != nil ||
				!reflect.DeepEqual(r.Properties["ManagedPolicyArns"], []any{"UseOfKey"}) {
				t.Errorf("%s: with the key %v, without %v", r.ID, r.Properties, before)
			}
		}
	}
	if policies != 1 {
		t.Errorf("%d policies for the key", policies)
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
