-- Times are milliseconds since 1970 unless db-scheduler writes them.

create table jobs (
    id          varchar(40)  primary key,
    kind        varchar(16)  not null,
    lane        varchar(16)  not null,
    state       varchar(16)  not null,
    owner       varchar(64)  not null,
    model       varchar(2000),
    request     text         not null,
    result      text,
    error       text,
    wish        varchar(16),
    attempt     integer      not null,
    ticket      varchar(40),
    worker      varchar(200),
    created_at  bigint       not null,
    started_at  bigint,
    finished_at bigint
);

create index jobs_by_state on jobs (state, lane, created_at);
create index jobs_by_owner on jobs (owner, lane, started_at);
create index jobs_by_time on jobs (created_at);
create index jobs_by_ticket on jobs (ticket);

create table job_progress (
    job_id     varchar(40) primary key,
    phase      varchar(32) not null,
    done       integer     not null,
    total      integer     not null,
    fraction   double precision not null,
    previews   integer     not null,
    preview    blob,
    updated_at bigint      not null
);

-- db-scheduler's table, once for each lane. The columns are the library's.
create table generate_tickets (
    task_name            varchar(100) not null,
    task_instance        varchar(100) not null,
    task_data            blob,
    execution_time       timestamp not null,
    picked               boolean      not null,
    picked_by            varchar(200),
    last_success         timestamp,
    last_failure         timestamp,
    consecutive_failures integer,
    last_heartbeat       timestamp,
    version              bigint       not null,
    priority             smallint,
    primary key (task_name, task_instance)
);

create index generate_tickets_by_time on generate_tickets (execution_time);
create index generate_tickets_by_heartbeat on generate_tickets (last_heartbeat);

create table workshop_tickets (
    task_name            varchar(100) not null,
    task_instance        varchar(100) not null,
    task_data            blob,
    execution_time       timestamp not null,
    picked               boolean      not null,
    picked_by            varchar(200),
    last_success         timestamp,
    last_failure         timestamp,
    consecutive_failures integer,
    last_heartbeat       timestamp,
    version              bigint       not null,
    priority             smallint,
    primary key (task_name, task_instance)
);

create index workshop_tickets_by_time on workshop_tickets (execution_time);
create index workshop_tickets_by_heartbeat on workshop_tickets (last_heartbeat);

create table settings (
    name  varchar(200) primary key,
    value text not null
);
