# The decision of `least-access` in Rego. The input holds only what there is: a text, instant or trait that is not recorded is
# not in it. The plan's instant and the rule's settings are in `data.plan`.
package access

import rego.v1

here if input.observed == "present"

here if input.observed == "disabled"

foreign_grant if {
	input.changed_elsewhere
	not input.recorded == "present"
	not input.recorded == "disabled"
}

begun := input.not_before if {
	input.not_before > input.last_used
} else := input.last_used

unused if {
	data.plan.unused_days != 0
	input.subject != "account"
	not input.break_glass
	begun + (data.plan.unused_days * 86400) <= data.plan.as_of
}

orphan if {
	input.identity_kind == "machine"
	not input.identity_owner
}

risky if input.privileged

risky if input.tier >= data.plan.disable_orphans_from_tier

orphan_to_disable if {
	orphan
	input.observed == "present"
	input.subject != "grant"
	not input.break_glass
	risky
}

accountable_tier if {
	input.subject != "account"
	input.tier >= data.plan.justify_from_tier
}

removed_elsewhere if {
	input.changed_elsewhere
	not input.recorded == "absent"
	not input.recorded == "unknown"
}

verdict := "hold/disputed" if {
	input.disputed
} else := "hold/observed-unknown" if {
	input.observed == "unknown"
} else := "hold/desired-unknown" if {
	input.desired == "unknown"
} else := "keep/inherited" if {
	input.inherited
	here
} else := "keep/immutable" if {
	input.immutable
	here
} else := undesired if {
	input.desired == "absent"
} else := wanted

undesired := "keep/agrees" if {
	not here
} else := "keep/not-ours" if {
	input.additive
	not input.claimed
} else := "hold/break-glass-undesired" if {
	input.break_glass
} else := "keep/account-rests" if {
	input.subject == "account"
	input.observed == "disabled"
} else := "disabled/account-undesired" if {
	input.subject == "account"
} else := "absent/foreign-grant" if {
	foreign_grant
} else := "absent/undesired"

wanted := expired if {
	input.expires_at <= data.plan.as_of
} else := not_yet if {
	input.not_before > data.plan.as_of
} else := "keep/withheld" if {
	input.withheld
	input.observed == "absent"
} else := idle if {
	unused
} else := "disabled/orphan-disabled" if {
	orphan_to_disable
} else := "hold/orphan" if {
	orphan
} else := "hold/no-record" if {
	data.plan.require_record
	not input.record
} else := "hold/no-purpose" if {
	not input.purpose
	accountable_tier
} else := "hold/no-approver" if {
	not input.approver
	accountable_tier
} else := absent_here if {
	input.observed == "absent"
} else := "disabled/should-be-disabled" if {
	input.desired == "disabled"
	input.observed == "present"
} else := difference if {
	input.differs
} else := "keep/break-glass" if {
	input.break_glass
} else := "keep/agrees"

expired := "absent/expired" if { here } else := "keep/expired"

not_yet := "absent/not-yet" if { here } else := "keep/not-yet"

idle := "absent/unused" if { here } else := "keep/unused"

absent_here := "keep/agrees" if {
	input.desired == "disabled"
} else := "present/foreign-removal" if {
	removed_elsewhere
} else := "present/missing"

difference := "true-up/foreign-edit" if {
	input.changed_elsewhere
} else := "true-up/should-be-enabled" if {
	"enabled" in input.differs
} else := "true-up/level-differs" if {
	"level" in input.differs
} else := "true-up/expiry-differs" if {
	"expires-at" in input.differs
} else := "true-up/details-differ"
