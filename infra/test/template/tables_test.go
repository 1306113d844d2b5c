package template

import "testing"

func TestTablesAreKept(t *testing.T) {
	tables := ofType(t, "AWS::DynamoDB::Table")
	if len(tables) != 5 {
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
