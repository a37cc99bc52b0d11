-- So that workers may live in different time zones.
alter table generate_tickets
    alter column execution_time type timestamp with time zone,
    alter column last_success type timestamp with time zone,
    alter column last_failure type timestamp with time zone,
    alter column last_heartbeat type timestamp with time zone;

alter table workshop_tickets
    alter column execution_time type timestamp with time zone,
    alter column last_success type timestamp with time zone,
    alter column last_failure type timestamp with time zone,
    alter column last_heartbeat type timestamp with time zone;
