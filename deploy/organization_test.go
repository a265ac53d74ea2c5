package deploy_test

import (
	"slices"
	"testing"
)

// TestOrganizationHandsOver: organization.yaml asks for all that spoke.yaml and spoke-region.yaml ask for, with the
// same defaults, and gives it to their StackSets.
func TestOrganizationHandsOver(t *testing.T) {
	all := read(t)
	for id, file := range map[string]string{"Spokes": spoke, "EventRules": spokeRegion} {
		if all[organization] == nil || all[file] == nil {
			t.Fatalf("%s or %s is missing", organization, file)
		}
		given := map[string]any{}
		list, _ := get(all[organization].root, "Resources", id, "Properties", "Parameters").([]any)
		for _, p := range list {
			name, _ := get(p, "ParameterKey").(string)
			given[name] = get(p, "ParameterValue", "Ref")
		}
		names := all[file].section("Parameters")
		for _, name := range names {
			if given[name] != name {
				t.Errorf("%s: the StackSet %s does not give %s to %s", organization, id, name, file)
			}
			for _, key := range []string{"Type", "Default", "AllowedValues", "NoEcho"} {
				got, want := get(all[organization].root, "Parameters", name, key), get(all[file].root, "Parameters", name, key)
				if text(got) != text(want) {
					t.Errorf("%s of %s is %v in %s and %v in %s", key, name, got, organization, want, file)
				}
			}
		}
		for name := range given {
			if !slices.Contains(names, name) {
				t.Errorf("%s: the StackSet %s gives %s, which %s has not", organization, id, name, file)
			}
		}
	}
}
