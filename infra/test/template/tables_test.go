package template

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"customercare/infra/local/kms"
)

func TestTablesAreKept(t *testing.T) {
	tables := ofType(t, "AWS::DynamoDB::Table")
	if len(tables) != 8 {
		t.Errorf("%d tables", len(tables))
	}
	expires := map[string]bool{"Principals": true, "Erasures": true}
	for _, table := range tables {
		p := table.Properties
		if table.Deletion != "Retain" || table.Replace != "Retain" || p["DeletionProtectionEnabled"] != true {
			t.Errorf("%s can be lost with the stack", table.ID)
		}
		if p["BillingMode"] != "PAY_PER_REQUEST" || at(p, "SSESpecification", "SSEEnabled") != true ||
			at(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
			t.Errorf("%s: billing, encryption or recovery: %v", table.ID, p)
		}
		ttl := at(p, "TimeToLiveSpecification", "AttributeName") == "expires" &&
			at(p, "TimeToLiveSpecification", "Enabled") == true
		if ttl != expires[table.ID] {
			t.Errorf("%s: items expire: %v", table.ID, ttl)
		}
		if p["TableName"] != nil {
			t.Errorf("%s has a name of its own, so that a second stack cannot be made", table.ID)
		}
		if stream := at(p, "StreamSpecification", "StreamViewType"); (stream != nil) != (table.ID == "Erasures") ||
			stream != nil && stream != "KEYS_ONLY" {
			t.Errorf("%s: stream %v", table.ID, stream)
		}
	}
}

// Without the keys nobody can show any more whom an old record is about.
func TestDigestKeysAreMadeAndKept(t *testing.T) {
	secret := resources(t)["DigestKeys"]
	if secret.Type != "AWS::SecretsManager::Secret" || secret.Deletion != "Retain" || secret.Replace != "Retain" ||
		at(secret.Properties, "GenerateSecretString", "GenerateStringKey") != "1" ||
		at(secret.Properties, "GenerateSecretString", "PasswordLength") != "64" {
		t.Errorf("%+v", secret)
	}
}

// With another key the log cannot be continued. The account looks after the key, but
// nobody may sign with it whom its own policy does not name, nor be given a grant to.
func TestLedgerKeyIsKeptAndNarrow(t *testing.T) {
	key := resources(t)["LedgerKey"]
	p := key.Properties
	if key.Type != "AWS::KMS::Key" || key.Deletion != "Retain" || key.Replace != "Retain" ||
		p["KeySpec"] != "ECC_NIST_EDWARDS25519" || p["KeyUsage"] != "SIGN_VERIFY" || p["PendingWindowInDays"] != "30" {
		t.Errorf("%+v", key)
	}
	if alias := resources(t)["LedgerKeyAlias"].Properties; alias["AliasName"] != "alias/customercare-ledger" ||
		alias["TargetKeyId"] != kms.ID("LedgerKey") {
		t.Errorf("the alias: %v", alias)
	}
	statements, _ := at(p, "KeyPolicy", "Statement").([]any)
	got := map[string]any{}
	for _, s := range statements {
		statement := maps.Clone(s.(map[string]any))
		if statement["Effect"] != "Allow" || statement["Resource"] != "*" {
			t.Errorf("%v", statement)
		}
		who := fmt.Sprint(at(statement, "Principal", "AWS"))
		actions, _ := statement["Action"].([]any)
		for _, action := range actions {
			got[who+" "+fmt.Sprint(action)] = statement["Condition"]
		}
		if action, is := statement["Action"].(string); is {
			got[who+" "+action] = statement["Condition"]
		}
	}
	const account = "arn:aws:iam::123456789012:root"
	want := map[string]any{}
	for _, action := range []string{
		"CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DescribeKey", "DisableKey", "EnableKey", "GetKeyPolicy",
		"GetKeyRotationStatus", "GetPublicKey", "ListGrants", "ListKeyPolicies", "ListResourceTags", "PutKeyPolicy",
		"RevokeGrant", "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription",
		"Verify",
	} {
		want[account+" kms:"+action] = nil
	}
	const sealer = "arn:aws:iam:us-east-1:123456789012:SealLedgerRole/Arn"
	want[sealer+" kms:GetPublicKey"] = nil
	want[sealer+" kms:Sign"] = map[string]any{"StringEquals": map[string]any{
		"kms:SigningAlgorithm": "ED25519_SHA_512", "kms:MessageType": "RAW",
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the key's policy lets\n%v\nwant\n%v", got, want)
	}
}
